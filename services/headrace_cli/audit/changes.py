"""`headrace audit changes TABLE FROM [TO]`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.markup import escape

from headrace.errors import ConfigError
from headrace.lake import Lake, Snapshot
from headrace.lake.frames import all_collected, collected, written
from headrace.read.audit.changed_rows import AFTER, BEFORE, CHANGE, changes, whole_version
from headrace.settings import load_settings
from headrace_cli.as_of import as_of
from headrace_cli.console import cell, print_json, print_table, wide_console

KINDS = {"insert": "inserted", "update": "updated", "delete": "deleted"}


def changes_command(
    table: Annotated[str, typer.Argument(help="The table; of a quarantine, replays show.")],
    since: Annotated[str, typer.Argument(metavar="FROM", help="Version, commit time, or PARTITION:OFFSET.")],
    until: Annotated[str | None, typer.Argument(metavar="[TO]", help="Likewise; by default the newest.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Print at most this many rows.")] = 20,
    output: Annotated[
        Path | None, typer.Option(help="Write all changed rows to this *.parquet file; prints the counts alone.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/audit.md.")] = False,
) -> None:
    """Tell which rows changed between two versions: what was there before, and what after."""
    lake = Lake(load_settings().lake.root)
    _check(output)
    first = whole_version(lake, table, as_of(since, "FROM"))
    last = whole_version(lake, table, as_of(until, "TO"))
    frame = changes(lake, table, first.version, last.version)
    counts, rows = _written(frame, output, first, last) if output else _listed(frame, limit, first, last)
    report = {"table": table, "from": first.version, "to": last.version, "counts": counts, "changes": rows}
    if as_json:
        print_json(report)
        return
    console = wide_console()
    told = ", ".join(f"{counts[kind]:,} {done}" for kind, done in KINDS.items())
    console.print(f"{escape(table)}, version {first.version} to {last.version}: {told}")
    if rows:
        print_table(
            console, *_table(frame.collect_schema().names()[1:-2], rows), left=("change", "what"), wrapped="what"
        )
    if output is None and len(rows) < sum(counts.values()):
        console.print(f"The first {len(rows)} are shown: --limit shows more, --output FILE.parquet writes all.")


def _check(output: Path | None) -> None:
    if output is None:
        return
    if output.suffix != ".parquet":
        msg = f"{output}: the name of the file ends in .parquet"
        raise ConfigError(msg)
    if not output.absolute().parent.is_dir():
        msg = f"{output} cannot be written: make its folder first"
        raise ConfigError(msg)


def _listed(frame: pl.LazyFrame, limit: int, *read: Snapshot) -> tuple[Mapping[str, int], list[dict[str, Any]]]:
    name = frame.collect_schema().names()[1:-2]
    # Names first: whole rows would all be held to be sorted.
    first = frame.select(name).sort(name).head(limit)
    counted, names = all_collected([_counted(frame), first], *read)
    rows = collected(frame.join(names.lazy(), on=name, how="semi"), *read)
    return _counts(counted), rows.sort(name).to_dicts()


def _written(frame: pl.LazyFrame, output: Path, *read: Snapshot) -> tuple[Mapping[str, int], list[dict[str, Any]]]:
    written(frame, output, *read)
    return _counts(_counted(pl.scan_parquet(output)).collect()), []


def _counted(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.group_by(CHANGE).len()


def _counts(counted: pl.DataFrame) -> Mapping[str, int]:
    return dict.fromkeys(KINDS, 0) | dict(counted.iter_rows())


def _table(name: list[str], rows: list[dict[str, Any]]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    columns = (*name, "change", "what")
    return columns, [(*(cell(row[each]) for each in name), row[CHANGE], _what(row)) for row in rows]


def _what(row: Mapping[str, Any]) -> str:
    """Of an update the columns that differ, of others the row; without where it came from."""
    before, after = row[BEFORE] or {}, row[AFTER] or {}
    named = [name for name in after or before if not name.startswith("_") and name not in row]
    if row[CHANGE] != "update":
        row = after or before
        return ", ".join(f"{name}={cell(row[name])}" for name in named if row[name] is not None)
    told = [f"{name}: {cell(before[name])} -> {cell(after[name])}" for name in named if before[name] != after[name]]
    return ", ".join(told) or "another record that says the same"
