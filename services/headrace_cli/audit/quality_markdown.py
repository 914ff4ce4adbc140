"""A report about data as Markdown: as good to read on a terminal as in a ticket."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from headrace.read.audit.data_quality.report import QualityReport

_CELL = 60


def markdown(report: QualityReport) -> str:
    """The whole report."""
    return "\n".join([*_head(report), *_rejects(report), *_columns(report), *_times(report), *_copies(report), ""])


def _head(report: QualityReport) -> Iterator[str]:
    since, until = (None if end is None else _text(end) for end in (report.since, report.until))
    scope = " ".join([*([f"from {since}"] if since else []), *([f"until {until}"] if until else [])])
    yield f"# {report.table}, version {report.version}"
    yield ""
    yield f"{report.rows:,} rows landed and {report.rejected:,} records were refused{f' {scope}' if scope else ''}."
    yield ""


def _rejects(report: QualityReport) -> Iterator[str]:
    yield "## Rejects"
    yield ""
    if not report.rejects:
        yield "None."
        yield ""
        return
    yield f"{report.resolved:,} of them were replayed since."
    yield ""
    yield from _table(
        ("reason", "field", "records", "replayed", "last at", "last record", "detail"),
        (
            (
                each.reason,
                each.field,
                each.records,
                each.resolved,
                each.last_at,
                f"{each.partition} {each.offset}",
                each.detail,
            )
            for each in report.rejects
        ),
    )


def _columns(report: QualityReport) -> Iterator[str]:
    yield "## Columns"
    yield ""
    yield from _table(
        ("column", "type", "nulls", "lowest", "highest"),
        ((each.column, each.type, each.nulls, each.lowest, each.highest) for each in report.columns),
    )


def _times(report: QualityReport) -> Iterator[str]:
    yield "## Windows"
    yield ""
    found = report.timeliness
    if found is not None:
        longest = "" if found.most_seconds is None else f" The longest took {found.most_seconds:,.1f} s from its event."
        yield (
            f"{found.late:,} rows landed more than {report.late_after_seconds:,.0f} s after their event: "
            f"{found.sent_late:,} were sent late, and {found.older_day:,} belong to an earlier day. "
            f"{found.ahead:,} events are ahead of their record.{longest}"
        )
        yield ""
    names = ("rows", "rejects", "late", "older_day", "ahead", "duplicates")
    yield from _table(
        (f"{report.by} (UTC)", "rows", "rejects", "late", "earlier day", "ahead", "duplicates"),
        ((_start(report, each.start), *(getattr(each, name) for name in names)) for each in report.windows),
    )


def _start(report: QualityReport, start: datetime) -> str:
    return f"{start:%Y-%m-%d}" if report.by == "day" else f"{start:%Y-%m-%d %H:%M}"


def _copies(report: QualityReport) -> Iterator[str]:
    yield "## Duplicates"
    yield ""
    found = report.duplicates
    if found is None:
        yield "Nothing names an event of this table."
        return
    yield f"{found.rows:,} rows of {found.keys:,} events that were there already, by {', '.join(found.key)}."
    if found.examples:
        yield ""
        yield from _table(
            (*found.key, "records (partition offset)"),
            ((*each.key.values(), ", ".join(f"{p} {o}" for p, o in each.records)) for each in found.examples),
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    body = [[_text(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    for cells in (list(head), ["-" * width for width in widths], *body):
        yield f"| {' | '.join(text.ljust(width) for text, width in zip(cells, widths, strict=True))} |"
    yield ""


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= _CELL else f"{text[:_CELL]}..."
