"""Which versions passed, noted by one run in a file and taken as given by the next one."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from headrace.lake.store import Store
from headrace.read.proof.findings import Level, Verdict
from headrace.read.proof.given import Base
from headrace.read.proof.report import TableReport
from headrace_cli.earlier import read_earlier


class PassedVersion(msgspec.Struct, frozen=True):
    """A version of a table that passed.

    Attributes:
        version: its number.
        positions: of each partition.
        levels: what was checked, of it and of the versions it rests on.
        passed_at: when, aware.
    """

    version: int
    positions: dict[int, int]
    levels: tuple[Level, ...]
    passed_at: datetime


class PassedVersions:
    """The file, read once when this is made.

    Args:
        path: the file; it need not exist yet.

    Raises:
        ConfigError: it cannot be read, or holds something else; or it has no folder to lie in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._passed = read_earlier(path, _parse, what="what verify notes there") or {}

    @property
    def tables(self) -> Collection[str]:
        """Names of the tables that passed."""
        return self._passed.keys()

    def base(self, table: str, levels: Collection[Level]) -> Base | None:
        """What a run that checks `levels` may take as given; None where less than that has passed."""
        passed = self._passed.get(table)
        if passed is None or not set(levels) <= set(passed.levels):
            return None
        return Base(passed.version, passed.positions)

    def note(self, reports: Iterable[TableReport], at: datetime) -> None:
        """Notes the tables that passed; what is noted of others stays.

        Raises:
            StoreError, AccessDeniedError: the file cannot be written.
        """
        passed: Mapping[str, PassedVersion] = {
            report.table: PassedVersion(
                report.version, {p.partition: p.position for p in report.partitions}, report.levels, at
            )
            for report in reports
            if report.verdict is Verdict.PASS and report.version is not None
        }
        noted = msgspec.json.format(msgspec.json.encode({**self._passed, **passed}))
        Store(str(self._path.parent)).put(self._path.name, noted)


def _parse(content: bytes) -> dict[str, PassedVersion]:
    """By table.

    Raises:
        ValueError: it is something else.
    """
    try:
        return msgspec.json.decode(content, type=dict[str, PassedVersion])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
