"""One commit of a Delta log as values, parsed from its JSON lines; nothing here knows where the bytes lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import msgspec

from headrace.offsets import OffsetRange
from headrace.read.proof.agreement import columns_of
from headrace.read.proof.features import Json, protocol_problem
from headrace.read.proof.findings import Code, Finding, LogDamagedError, Verdict
from headrace.read.proof.vectors import Vector, vector_of

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """What one ingest commit says of one partition; `gaps` may name fewer records than `gap_records` counts."""

    start: int
    end: int
    rows: int
    rejects: int
    gap_records: int
    gaps: tuple[OffsetRange, ...]
    deletes: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """The Headrace commit that wrote a file. `files` is how many it wrote; `worker` is host and process.

    `changes` of a commit to a table of latest rows counts keys by what became of them; its files hold earlier rows too.
    `merged` counts likewise the rows of a merge by hand.
    `rows` is how many keys the table has by the commit of a rebuild.
    """

    version: int
    kind: str
    batch: str | None
    spans: Mapping[int, Span]
    offsets: Mapping[int, tuple[int, ...]]
    files: int
    worker: str | None = None
    changes: Mapping[str, int] | None = None
    merged: Mapping[str, int] | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that an add action names; `origin` is None where the commit is not retained or not Headrace's.

    `records` are those that are part of the table: `vector` says which rows of the file are not.
    """

    path: str
    partition_values: Mapping[str, str | None]
    size: int
    records: int | None
    data_change: bool
    sha256: str | None = None
    version: int | None = None
    origin: Origin | None = None
    vector: Vector | None = None

    @property
    def batch(self) -> str | None:
        """The batch that wrote the file, where known."""
        return self.origin.batch if self.origin else None

    def blame(
        self,
        code: Code,
        message: str,
        *,
        partition: int | None = None,
        offset: int | None = None,
        count: int | None = None,
    ) -> Finding:
        """A finding that fails the table, and that this file is to be looked at for."""
        return Finding(Verdict.FAIL, code, message, partition, offset, count, self.path, self.version, self.batch)


@dataclass(frozen=True, slots=True)
class RemovedFile:
    """A file that a remove action names."""

    path: str
    data_change: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one version changed. `origin` is None for commits that Headrace did not make.

    `time` is what the writer's clock said, None where it said nothing. `protocol_problem` names what the commit asks
    of readers that is not known here. `client` is the program that made it, where it says so.
    """

    version: int
    time: datetime | None
    operation: str
    origin: Origin | None
    adds: tuple[DataFile, ...]
    removes: tuple[RemovedFile, ...]
    txns: Mapping[str, int]
    configuration: Mapping[str, str] | None
    columns: Mapping[str, str]
    protocol_problem: str | None = None
    empty: bool = False
    client: str | None = None


@dataclass
class _Parts:
    info: Json = field(default_factory=dict)
    adds: list[Json] = field(default_factory=list)
    removes: list[RemovedFile] = field(default_factory=list)
    txns: dict[str, int] = field(default_factory=dict)
    configuration: Mapping[str, str] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    protocol: Json | None = None

    @property
    def protocol_problem(self) -> str | None:
        """What the protocol asks of readers that is not known here."""
        return None if self.protocol is None else protocol_problem(self.protocol, self.configuration or {})


def parse_commit(version: int, content: bytes) -> Commit:
    """Parses the JSON lines of commit `version`.

    Raises:
        LogDamagedError: a line is torn, or an action lacks what the Delta protocol demands.
    """
    parts = _Parts()
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            _collect(msgspec.json.decode(line), parts)
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
            msg = f"commit {version} is torn or damaged: line {number} cannot be read ({type(error).__name__})"
            raise LogDamagedError(msg) from None
    try:
        origin = _origin(version, parts.info, len(parts.adds))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        msg = f"commit {version} has a commitInfo.headrace that cannot be read ({type(error).__name__})"
        raise LogDamagedError(msg) from None
    digests = _digests(parts.info)
    adds = tuple(
        parse_add(add, version=version, origin=origin, sha256=digests.get(unquote(add["path"]))) for add in parts.adds
    )
    operation = str(parts.info.get("operation", "an unnamed operation"))
    return Commit(
        version,
        _time(parts.info),
        operation,
        origin,
        adds,
        tuple(parts.removes),
        parts.txns,
        parts.configuration,
        parts.columns,
        parts.protocol_problem,
        empty=not content.strip(),
        client=_client(parts.info),
    )


def _collect(action: Json, parts: _Parts) -> None:
    for kind, body in action.items():
        match kind:
            case "add":
                _ = body["path"], body["size"]
                parts.adds.append(body)
            case "remove":
                parts.removes.append(RemovedFile(unquote(body["path"]), bool(body.get("dataChange", True))))
            case "txn":
                parts.txns[body["appId"]] = int(body["version"])
            case "metaData":
                parts.configuration = dict(body.get("configuration") or {})
                parts.columns = columns_of(body)
            case "protocol":
                _ = int(body["minReaderVersion"])
                parts.protocol = body
            case "commitInfo":
                parts.info = body
            case _:
                pass  # domain metadata, change data: no rows of the table


def parse_add(
    add: Json, *, version: int | None = None, origin: Origin | None = None, sha256: str | None = None
) -> DataFile:
    """An add action, from a commit or a checkpoint."""
    return DataFile(
        unquote(add["path"]),
        dict(add.get("partitionValues") or {}),
        int(add["size"]),
        _record_count(add),
        bool(add.get("dataChange", True)),
        sha256,
        version,
        origin,
        vector=vector_of(add.get("deletionVector")),
    )


class _Stats(msgspec.Struct):
    numRecords: int | None = None  # noqa: N815  # the Delta protocol's name


_STATS = msgspec.json.Decoder(_Stats)


def _record_count(add: Json) -> int | None:
    """How many rows of the file are part of the table."""
    stats = add.get("stats")
    count = _STATS.decode(stats).numRecords if stats else (add.get("stats_parsed") or {}).get("numRecords")
    vector = vector_of(add.get("deletionVector"))
    return None if count is None else int(count) - (vector.deleted if vector else 0)


def _headrace(info: Json) -> Json | None:
    """The `headrace` object of a commitInfo, which some writers keep as JSON text."""
    noted = info.get("headrace")
    if isinstance(noted, str):
        noted = msgspec.json.decode(noted)
    return noted if isinstance(noted, dict) else None


def _origin(version: int, info: Json, files: int) -> Origin | None:
    noted = _headrace(info)
    if info.get("headrace.operation") == "rewind":
        return Origin(version, "rewind", None, {}, {}, files)
    if noted is None:
        return None
    batch = noted.get("batch")
    spans: dict[int, Span] = {}
    if noted["kind"] == "ingest":
        spans = {int(partition): _span(body) for partition, body in noted["partitions"].items()}
    offsets = {int(p): tuple(map(int, listed)) for p, listed in (noted.get("offsets") or {}).items()}
    worker = noted.get("worker")
    return Origin(
        version,
        str(noted["kind"]),
        batch and str(batch),
        spans,
        offsets,
        files,
        worker and str(worker),
        noted.get("upsert"),
        noted.get("merge"),
        noted.get("rows"),
    )


def _client(info: Json) -> str | None:
    named = info.get("engineInfo") or info.get("clientVersion")
    return None if named is None else str(named)


def _time(info: Json) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=info["timestamp"])
    except (KeyError, TypeError, OverflowError):
        return None


def _span(body: Json) -> Span:
    gaps = tuple(OffsetRange(int(start), int(end)) for start, end in body.get("gaps") or ())
    return Span(
        int(body["start"]),
        int(body["end"]),
        int(body["rows"]),
        int(body["rejects"]),
        int(body.get("gap_records", 0)),
        gaps,
        int(body.get("deletes", 0)),
    )


def _digests(info: Json) -> dict[str, str]:
    noted = _headrace(info) or {}
    return {path: str(body["sha256"]) for path, body in (noted.get("files") or {}).items() if body.get("sha256")}
