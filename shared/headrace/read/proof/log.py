"""The Delta log, walked in plain Python: independent of the library that wrote it.

A walk is pinned to one version and never sees later ones. It begins at the oldest version from which every commit
is retained, or at the newest that gives the state at a chosen version (the base), and streams the commits, so memory
holds the active files and not the history.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from headrace.read.proof.actions import Commit, parse_commit
from headrace.read.proof.checkpoints import (
    LOG_FOLDER,
    Checkpoint,
    CheckpointFiles,
    Snapshot,
    find_checkpoints,
    read_checkpoint,
)
from headrace.read.proof.features import refuse_problem
from headrace.read.proof.findings import (
    Code,
    Finding,
    Findings,
    HistoryExpiredError,
    LogDamagedError,
    NoSuchVersionError,
    TableMovedOnError,
    UnsupportedTableError,
    Verdict,
)
from headrace.read.proof.store import LocalFiles

_COMMIT = re.compile(r"\A(\d{20})\.json\Z")
_HINT = "_last_checkpoint"


@dataclass(frozen=True, slots=True)
class Pin:
    """Which part of the log a walk reads.

    `base` is the checkpoint it starts from, None when it starts before version 0. `newest` is the checkpoint
    that readers of the table would start from. What came up to `since` is taken as given.
    """

    version: int
    base: Checkpoint | None
    newest: Checkpoint | None
    remarks: tuple[Finding, ...] = ()
    since: int | None = None

    @property
    def base_version(self) -> int:
        """The version whose state the walk starts from, -1 for the empty table before version 0."""
        return self.base.version if self.base else -1

    @property
    def checked_from(self) -> int:
        """The version after which commits are checked."""
        return self.base_version if self.since is None else self.since


class LogWalker:
    """Reads one table's log. Holds no state between calls, so several walks may run at once."""

    def __init__(self, files: LocalFiles) -> None:
        self._files = files

    def pin(self, since: int | None = None) -> Pin:
        """Chooses the newest version and the oldest base from which its history is whole.

        Args:
            since: a version; the base is then the newest that gives the state at it.

        Raises:
            NoSuchVersionError: there is no version `since` yet.
            HistoryExpiredError: what came after `since` is no longer all there.
            LogDamagedError: there is no log, or a commit is missing that no checkpoint replaces.
            UnsupportedTableError: only checkpoints in an unknown format could replace what is missing.
        """
        listing = self._files.list(LOG_FOLDER)
        commits = {int(found[1]) for entry in listing if (found := _COMMIT.match(entry.name))}
        checkpoints = find_checkpoints(listing)
        if not commits and not checkpoints.complete:
            msg = f"{self._files.root} holds no Delta log"
            raise LogDamagedError(msg)
        version = max(commits | checkpoints.complete.keys())
        remarks = self._check_hint(checkpoints, version)
        newest = checkpoints.complete[max(checkpoints.complete)] if checkpoints.complete else None
        oldest = _oldest_contiguous(commits, version)
        if since is not None:
            base = self._base_before(since, version, oldest, checkpoints)
            return Pin(version, base, newest, tuple(remarks), since)
        if oldest == 0:
            return Pin(version, None, newest, tuple(remarks))
        base = self._base(checkpoints, oldest)
        if any(kept < oldest - 1 for kept in commits):
            remarks.append(_hole(oldest - 1, base.version))
        return Pin(version, base, newest, tuple(remarks))

    def base_snapshot(self, pin: Pin) -> Snapshot:
        """The state at the base.

        Raises:
            LogDamagedError: the base checkpoint cannot be read.
            UnsupportedTableError: it needs a feature that verify does not know.
        """
        return read_checkpoint(self._files, pin.base) if pin.base else Snapshot()

    def commits(self, pin: Pin) -> Iterator[Commit]:
        """Every commit after the base up to the pinned version, in order.

        Raises:
            LogDamagedError: a commit is torn.
            TableMovedOnError: a commit was cleaned up meanwhile.
            UnsupportedTableError: a commit needs a feature that verify does not know.
        """
        for version in range(pin.base_version + 1, pin.version + 1):
            try:
                content = self._files.read(f"{LOG_FOLDER}/{version:020d}.json")
            except FileNotFoundError:
                msg = f"commit {version} was removed while the log was read: run verify again"
                raise TableMovedOnError(msg) from None
            except OSError as error:
                msg = f"commit {version} cannot be read: {error.strerror}"
                raise LogDamagedError(msg) from None
            commit = parse_commit(version, content)
            refuse_problem(commit.protocol_problem)
            yield commit

    def compare_newest(self, pin: Pin, replayed: Snapshot) -> Finding | None:
        """Whether the checkpoint that readers start from says what the commits say.

        Args:
            pin: the walk.
            replayed: the state that the commits give at the version of `pin.newest`.
        """
        if pin.newest is None:
            return None
        name = pin.newest.names[0]
        try:
            recorded = read_checkpoint(self._files, pin.newest)
        except LogDamagedError as error:
            return Finding(Verdict.FAIL, Code.LOG_DAMAGED, str(error), version=pin.newest.version)
        differing = sorted(recorded.files.keys() ^ replayed.files.keys())
        if differing:
            return Finding(
                Verdict.FAIL,
                Code.CHECKPOINT_DIFFERS,
                f"checkpoint {name} and the commits disagree on {len(differing)} active files",
                file=differing[0],
                version=pin.newest.version,
            )
        moved = sorted(
            app
            for app in recorded.txns.keys() | replayed.txns.keys()
            if recorded.txns.get(app) != replayed.txns.get(app)
        )
        if moved:
            message = f"checkpoint {name} and the commits disagree on the position {moved[0]}"
            return Finding(Verdict.FAIL, Code.CHECKPOINT_DIFFERS, message, version=pin.newest.version)
        return None

    def _base_before(self, since: int, version: int, oldest: int, checkpoints: CheckpointFiles) -> Checkpoint | None:
        if since > version:
            msg = f"{self._files.root} has no version {since} yet, its newest is {version}: give that or an earlier one"
            raise NoSuchVersionError(msg)
        for candidate in sorted(checkpoints.complete, reverse=True):
            if oldest - 1 <= candidate <= since and self._is_readable(checkpoints.complete[candidate]):
                return checkpoints.complete[candidate]
        if oldest == 0:
            return None
        msg = (
            f"the state at version {since}, or a commit after it, is no longer retained, so what came after it cannot "
            "be told apart: verify the whole table"
        )
        raise HistoryExpiredError(msg)

    def _is_readable(self, checkpoint: Checkpoint) -> bool:
        try:
            read_checkpoint(self._files, checkpoint)
        except LogDamagedError:
            return False
        return True

    def _base(self, checkpoints: CheckpointFiles, oldest: int) -> Checkpoint:
        usable = [version for version in checkpoints.complete if version >= oldest - 1]
        for version in sorted(usable):
            if self._is_readable(checkpoints.complete[version]):
                return checkpoints.complete[version]
        if any(version >= oldest - 1 for version in checkpoints.v2):
            msg = f"the log before version {oldest} is only in a V2 checkpoint: verify does not read that format"
            raise UnsupportedTableError(msg)
        msg = f"commit {oldest - 1} is missing and no complete checkpoint replaces it: the table cannot be read"
        raise LogDamagedError(msg)

    def _check_hint(self, checkpoints: CheckpointFiles, version: int) -> list[Finding]:
        """Readers follow `_last_checkpoint`; a wrong one is worth a remark, the listing decides."""
        try:
            hinted = int(msgspec.json.decode(self._files.read(f"{LOG_FOLDER}/{_HINT}"))["version"])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
            return [Finding(Verdict.PASS, Code.REMARK, f"{_HINT} cannot be read; the listing was used instead")]
        if hinted in checkpoints.complete or hinted in checkpoints.v2 or hinted > version:
            return []
        message = f"{_HINT} names checkpoint {hinted}, which is not there or not complete"
        return [Finding(Verdict.PASS, Code.REMARK, message, version=hinted)]


def _oldest_contiguous(commits: set[int], version: int) -> int:
    """The lowest version from which every commit up to `version` is there; `version + 1` if its own is not."""
    oldest = version + 1
    while oldest - 1 in commits:
        oldest -= 1
    return oldest


def _hole(missing: int, base: int) -> Finding:
    message = (
        f"commit {missing} is missing although older ones are there: what happened before checkpoint {base} "
        "cannot be checked"
    )
    return Finding(Verdict.UNKNOWN, Code.LOG_DAMAGED, message, version=missing)


class Replay:
    """A log from its base to its newest version, which is pinned when this is made.

    Args:
        files: the table's.
        since: the version up to which the commits only make the state, and are not given out.

    Raises:
        NoSuchVersionError, HistoryExpiredError, LogDamagedError, TableMovedOnError, UnsupportedTableError: as
            `LogWalker`.
    """

    def __init__(self, files: LocalFiles, since: int | None = None) -> None:
        self._walker = LogWalker(files)
        self.pin = self._walker.pin(since)
        self.snapshot = self._walker.base_snapshot(self.pin)
        self._commits = self._walker.commits(self.pin)
        for _ in range(self.pin.base_version, self.pin.checked_from):
            self.snapshot.apply(next(self._commits))

    def commits(self, findings: Findings) -> Iterator[Commit]:
        """Every commit to be checked; `snapshot` is the state before it. To be called once.

        Args:
            findings: told if the newest checkpoint is not what the commits make.
        """
        for commit in self._commits:
            yield commit
            self.snapshot.apply(commit)
            if self.pin.newest and self.pin.newest.version == commit.version:
                found = self._walker.compare_newest(self.pin, self.snapshot)
                if found:
                    findings.add(found)

    def finish(self, findings: Findings) -> Snapshot:
        """The state at the pinned version, where the commits themselves do not matter."""
        for _ in self.commits(findings):
            pass
        return self.snapshot


def is_active(files: LocalFiles, path: str) -> bool:
    """Whether `path` belongs to the newest version.

    Raises:
        LogDamagedError, UnsupportedTableError, TableMovedOnError: the log cannot be replayed.
    """
    return path in Replay(files).finish(Findings()).files
