"""A table and its quarantine."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headrace.contracts import Contract
from headrace.errors import ContractError, HeadraceError, PositionLostError, WrongTableError
from headrace.lake.checkpoint import LogTail
from headrace.offsets import OffsetRange
from headrace_cli.doctor.judging import Check, Verdict, check, fail, failed, ok, warn
from headrace_ingest.claim import starting_position

_MANY_COMMITS = 500
_DAY_SECONDS = 86_400
_UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": _DAY_SECONDS, "week": 7 * _DAY_SECONDS}
_INTERVAL = re.compile(r"\A(?:interval )?(\d+) (\w+?)s?\Z")
_FILE_RETENTION = "delta.deletedFileRetentionDuration"
# Set by Headrace, or without effect on what is written and read.
_HARMLESS = re.compile(
    r"\Adelta\.(enableExpiredLogCleanup|logRetentionDuration|deletedFileRetentionDuration|checkpoint\w*|"
    r"targetFileSize|dataSkipping\w*|autoOptimize\.\w+|tuneFileSizesForRewrites|min(Reader|Writer)Version|parquet\..*)\Z"
)


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """The newest checkpoints of a table and its quarantine.

    Attributes:
        broken: paths of those that are torn; the commits that they sum up are all there.
        mended: paths of those that were torn and are removed now.
    """

    broken: Sequence[str]
    mended: Sequence[str]


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table that can be opened, or that is not there yet.

    Attributes:
        version: the newest; None if there is no table yet.
        contract: of the table; None if no contract has its name.
        properties: of the table.
        mismatch: why a worker would refuse the table or its quarantine, if it would.
        compared: whether that could be asked: not without the topic.
        lost: the table's name or its quarantine's, where that one is gone and the other is there.
        started: partitions whose start version 0 records.
        positions: per partition of the topic; empty without the topic.
        available: what the broker has of each.
        tail: what is read commit by commit.
    """

    version: int | None
    contract: Contract | None
    properties: Mapping[str, str]
    mismatch: HeadraceError | None
    compared: bool
    lost: str | None
    started: int
    positions: Mapping[int, int | None]
    available: Mapping[int, OffsetRange]
    tail: LogTail


@check(
    "table-checkpoint",
    asks="The newest checkpoints of table and quarantine are whole: no reader opens a table with a torn one.",
    remedy="headrace doctor {table} --repair; a worker's start repairs it too. Where the message says so, restore a "
    "backup.",
)
def checkpoint(facts: CheckpointFacts) -> Verdict:
    """Power loss tears what was not made durable."""
    if facts.broken:
        return fail(f"torn, and the commits summed up in it all there: {', '.join(facts.broken)}")
    return ok(f"was torn and is removed: {', '.join(facts.mended)}" if facts.mended else "none is torn")


CHECKPOINT_CHECKS: tuple[Check[CheckpointFacts], ...] = (checkpoint,)


@check(
    "table-opens",
    asks="The table can be opened, or is not there yet.",
    remedy="Mend the store as the message says; if the log itself is torn, restore the folder from a backup.",
)
def opens(table: TableFacts) -> Verdict:
    """A table that cannot be opened does not get here."""
    if table.version is None:
        return ok("not there yet: the first worker creates it")
    return ok(f"version {table.version}")


@check(
    "table-contract",
    asks="A contract describes the table.",
    remedy="Set HEADRACE_CONTRACTS to the module that declares {table}.",
)
def contract(table: TableFacts) -> Verdict:
    """As `headrace ingest` asks it."""
    found = table.contract
    if found is None:
        return fail("no contract has this table", ContractError.exit_code)
    return ok(f"{found.name} v{found.schema_version}, {found.event.__module__}.{found.event.__qualname__}")


@check(
    "table-source",
    asks="Table and quarantine belong to this pipeline, cluster, topic (by its id) and contract, and no property lets "
    "positions expire.",
    remedy="Name the right HEADRACE_LAKE__ROOT, HEADRACE_KAFKA__BOOTSTRAP_SERVERS or HEADRACE_PIPELINE; see the exit "
    "code in docs/operations.md.",
)
def source(table: TableFacts) -> Verdict | None:
    """The comparison of a worker's start."""
    if not table.compared or table.version is None:
        return None
    return ok("as this process would make it") if table.mismatch is None else failed(table.mismatch)


@check(
    "table-quarantine",
    asks="Neither the table nor its quarantine is gone while the other is there: no worker begins an empty one.",
    remedy="Stop the workers of {table} and restore {table} and {table}__quarantine from one backup, or move both away "
    "to begin anew from the topic.",
)
def quarantine(table: TableFacts) -> Verdict | None:
    """The quarantine is created first: alone and without a commit it is what an interrupted first start left."""
    if table.lost is not None:
        return fail(f"{table.lost} is gone", WrongTableError.exit_code)
    return None if table.version is None else ok("there")


@check(
    "table-positions",
    asks="The position of every partition is recorded, and the broker has the records after it.",
    remedy="docs/operations.md, exit code 81, says what each cause needs. Nothing was skipped.",
)
def positions(table: TableFacts) -> Verdict | None:
    """The judgement of a worker that takes the partitions."""
    if table.version is None or not table.positions or table.mismatch is not None:
        return None
    found, wrong = {}, []
    for partition, position in table.positions.items():
        try:
            found[partition] = starting_position(partition, position, table.started, table.available[partition])
        except PositionLostError as error:
            wrong.append(str(error))
    if wrong:
        return fail("; ".join(wrong), PositionLostError.exit_code)
    behind = sum(table.available[p].end - at for p, at in found.items())
    return ok(f"{len(found)} partitions, {behind:,} records to read")


@check(
    "table-headroom",
    asks="Retention is not about to delete what was not read yet.",
    remedy="Start workers of {table} now, or lengthen retention.ms of its topic until they have caught up.",
)
def headroom(table: TableFacts) -> Verdict | None:
    """Where retention has begun: whether the position is within the oldest tenth of what the broker keeps."""
    if table.version is None or table.mismatch is not None:
        return None
    close = [p for p, at in table.positions.items() if at is not None and _is_close(at, table.available[p])]
    if not close:
        return ok("far enough from what retention deletes") if table.positions else None
    texts = [
        f"partition {p} reads on at {table.positions[p]}, the broker begins at {table.available[p].start}"
        for p in close
    ]
    return warn("; ".join(texts))


@check(
    "table-properties",
    asks="No other tool has set a table property that changes what is written, or that lets vacuum take files in use.",
    remedy="ALTER TABLE ... UNSET TBLPROPERTIES with the tool that set it.",
)
def properties(table: TableFacts) -> Verdict | None:
    """Commits of Headrace are not checked against constraints, and carry no change data."""
    if table.version is None:
        return None
    foreign = sorted(n for n in table.properties if n.startswith("delta.") and _HARMLESS.match(n) is None)
    kept = _seconds(table.properties.get(_FILE_RETENTION, "7 days"))
    if foreign:
        return warn(f"set by another tool: {', '.join(f'{name}={table.properties[name]}' for name in foreign)}")
    if kept is not None and kept < _DAY_SECONDS:
        return warn(f"{_FILE_RETENTION}={table.properties[_FILE_RETENTION]}: vacuum may take files before their commit")
    return ok("as Headrace set them")


@check(
    "table-log",
    asks="The log has a checkpoint not long ago: whoever opens the table reads every commit since.",
    remedy="Look for `checkpoint_failed` in the workers' log, and in that of headrace maintain for `maintained`.",
)
def log(table: TableFacts) -> Verdict | None:
    """About every hundredth version gets one."""
    if table.version is None:
        return None
    found = f"{table.tail.commits} commits since the last checkpoint"
    return warn(found) if table.tail.commits > _MANY_COMMITS else ok(found)


@check(
    "table-commits",
    asks="No commit since the last checkpoint is empty: readers take such a one for a commit of nothing.",
    remedy="headrace verify {table} tells whether rows are missing. What a worker wrote is read again from the topic.",
)
def commits(table: TableFacts) -> Verdict | None:
    """What power loss leaves of a commit that was not durable yet."""
    if table.version is None:
        return None
    return warn(f"empty: {', '.join(table.tail.empty)}") if table.tail.empty else ok("none is empty")


TABLE_CHECKS: tuple[Check[TableFacts], ...] = (
    opens,
    contract,
    source,
    quarantine,
    positions,
    headroom,
    properties,
    log,
    commits,
)


def _is_close(position: int, available: OffsetRange) -> bool:
    read = position - available.start
    return available.start > 0 and 0 <= read < len(available) // 10


def _seconds(interval: str) -> int | None:
    """Of a Delta interval such as `interval 7 days`; None if it is written otherwise."""
    found = _INTERVAL.match(interval.strip().lower())
    unit = _UNIT_SECONDS.get(found[2]) if found else None
    return int(found[1]) * unit if found and unit else None
