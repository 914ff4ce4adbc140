"""The proof as values: per table and partition a verdict, the numbers behind it, and the first differences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from headrace.read.proof.compare import Difference
from headrace.read.proof.contents import Content
from headrace.read.proof.coverage import Coverage
from headrace.read.proof.findings import Code, Finding, Level, Verdict, worst


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """One partition. All numbers count records; `start` and `position` are offsets.

    Attributes:
        partition: of the topic.
        verdict: of this partition.
        start: first offset that the table is answerable for.
        position: the next offset that ingest will read.
        rows: rows of the table.
        quarantined: unresolved quarantined records below the position.
        resolved: quarantined records that a replay brought into the table.
        gaps: offsets below the position that the topic did not give out.
        pending: quarantined records whose batch has not landed yet.
        lost: records that should be here and are not.
        duplicates: offsets that are in the table more than once.
        phantom: records that are here and should not be.
        differing: records whose value is not the one that was sent, None if values were not compared.
        behind: records after the position, None if nobody was asked.
        uncompared: records of which topic or ledger can no longer tell.
        findings: the first of each kind.
    """

    partition: int
    verdict: Verdict
    start: int
    position: int
    rows: int
    quarantined: int
    resolved: int
    gaps: int
    pending: int
    lost: int
    duplicates: int
    phantom: int
    differing: int | None
    behind: int | None
    uncompared: int
    findings: tuple[Finding, ...]

    @classmethod
    def of(  # noqa: PLR0913  # the results of the steps of a run, by name
        cls,
        covered: Coverage,
        content: Content,
        difference: Difference | None,
        *,
        partition: int,
        differing: int | None,
        findings: tuple[Finding, ...],
    ) -> Self:
        """The report that the results of the steps amount to; `difference` is None if nobody was asked."""
        uncompared = Verdict.UNKNOWN if difference and differing is None else Verdict.PASS
        return cls(
            partition=partition,
            verdict=worst(uncompared, *(finding.verdict for finding in findings)),
            start=covered.start,
            position=covered.position,
            rows=content.row_count,
            quarantined=content.quarantined.range_cardinality(0, covered.position),
            resolved=len(content.resolved),
            gaps=covered.gaps,
            pending=covered.pending,
            lost=len(covered.lost | difference.lost) if difference else len(covered.lost),
            duplicates=len(content.duplicates),
            phantom=covered.misplaced + (difference.phantom if difference else 0),
            differing=differing,
            behind=difference.behind if difference else None,
            uncompared=difference.uncompared if difference else 0,
            findings=findings,
        )


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table at its pinned version.

    `base_version` is the version whose checkpoint the chain of commits begins at, -1 when it begins at creation,
    None when the log could not be read. All up to version `since` was taken as given, nothing if it is None. `levels`
    are those that were checked to the end. `counts` says by kind how many findings there are, remarks left out: those
    of partitions too, and those that are not listed.
    """

    table: str
    path: str
    verdict: Verdict
    topic: str | None
    version: int | None
    base_version: int | None
    since: int | None
    levels: tuple[Level, ...]
    files: int
    partitions: tuple[PartitionReport, ...]
    findings: tuple[Finding, ...]
    counts: Mapping[Code, int]


def overall(reports: tuple[TableReport, ...]) -> Verdict:
    """The verdict on all tables; UNKNOWN if there are none."""
    return worst(*(report.verdict for report in reports)) if reports else Verdict.UNKNOWN


def summary(reports: tuple[TableReport, ...]) -> dict[str, object]:
    """What scripts are told, under stable keys: `verdict`, `exit_code`, and the reports as `tables`."""
    verdict = overall(reports)
    return {"verdict": verdict, "exit_code": verdict.exit_code, "tables": reports}
