"""The chain: each commit begins where the one before it ended, and its numbers add up. Pure."""

from headrace.read.proof.actions import Commit, Origin, Span
from headrace.read.proof.checkpoints import Snapshot
from headrace.read.proof.columns import column_faults
from headrace.read.proof.findings import Code, Finding, Findings, Verdict
from headrace.read.proof.histories import PartitionHistory
from headrace.read.proof.identity import TableIdentity


class Chain:
    """Fed with every retained commit in order, together with the state before it.

    Args:
        table: names the log that it is filled from; partitions that the topic was given later start at 0.
        base: state at the base, empty before version 0.
        findings: where broken rules go.
        given: whether what the base holds is taken as given.
    """

    def __init__(self, table: TableIdentity, base: Snapshot, *, findings: Findings, given: bool) -> None:
        self._source = table.source
        self._partitions = table.partitions
        self._latest = table.rule is not None
        self._findings = findings
        self._prefix = table.source.app_id(0).removesuffix("0")
        self.histories: dict[int, PartitionHistory] = {}
        for app, position in base.txns.items():
            if (partition := self._partition_of(app)) is not None:
                # A partition that the topic was given later begins at its first record.
                start = position if given else table.starts.get(partition, 0 if table.starts else None)
                self.histories[partition] = PartitionHistory(position, start, position, given=given)

    def check(self, commit: Commit, before: Snapshot) -> None:
        """Checks one commit and moves the positions on."""
        if commit.empty:
            message = f"commit {commit.version} is empty, as after a power failure; it counts as no change"
            self._add(Code.REMARK, message, commit, verdict=Verdict.PASS)
            return
        kind = commit.origin.kind if commit.origin else None
        if commit.version == 0:
            self._check_creation(commit)
        elif kind == "ingest":
            self._check_ingest(commit, before)
        elif kind == "claim":
            self._check_claim(commit)
        elif kind == "replay":
            self._check_replay(commit, before)
        elif kind == "rebuild" and self._latest:
            self._check_rebuild(commit, before)
        elif kind is None:
            self._check_foreign(commit, before)
        else:
            self._check_upkeep(kind, commit, before)
        self._move(commit)

    def _check_upkeep(self, kind: str, commit: Commit, before: Snapshot) -> None:
        if kind == "rewind":
            self._rewind(commit)
        elif kind == "compact":
            self._check_compaction(commit, before)
        elif kind == "schema":
            for message in column_faults(commit, before.columns):
                self._add(Code.FOREIGN_COMMIT, message, commit)
        else:
            message = f"version {commit.version} is a commit of kind {kind}, which this version does not know"
            self._add(Code.UNSUPPORTED, message, commit, verdict=Verdict.UNKNOWN)

    def _check_creation(self, commit: Commit) -> None:
        for partition in range(self._partitions):
            position = commit.txns.get(self._source.app_id(partition))
            if position is None:
                message = "version 0 records no start position"
                self._add(Code.CHAIN_BROKEN, message, commit, partition=partition)
        if commit.adds:
            self._add(Code.FOREIGN_COMMIT, "version 0 brought rows: creation must be empty", commit)

    def _check_ingest(self, commit: Commit, before: Snapshot) -> None:
        spans = _origin(commit).spans
        for partition, span in spans.items():
            self._check_start(commit, partition, span)
            self._check_counts(commit, partition, span)
        for app in commit.txns:
            partition_of = self._partition_of(app)
            if partition_of is None or partition_of not in spans:
                self._add(Code.CHAIN_BROKEN, f"the commit moves {app} without naming its range", commit)
        if self._latest:
            self._check_changes(commit, before)
            return
        claimed = sum(span.rows for span in spans.values())
        self._check_file_rows(commit, claimed)
        if commit.removes:
            message = f"an ingest commit removed {len(commit.removes)} files"
            self._add(Code.FOREIGN_COMMIT, message, commit)

    def _check_start(self, commit: Commit, partition: int, span: Span) -> None:
        history = self.histories.get(partition)
        expected = history.position if history else None
        if expected is None and partition >= self._partitions:
            expected = 0  # a partition that was added to the topic begins at its first record
        if span.start != expected:
            stands = "nowhere" if expected is None else f"at {expected}"
            message = f"the commit starts at {span.start} but the position before it stands {stands}"
            self._add(Code.CHAIN_BROKEN, message, commit, partition=partition, offset=span.start)
        written = commit.txns.get(self._source.app_id(partition))
        if written != span.end:
            message = f"the commit ends at {span.end} but moves the position to {written}"
            self._add(Code.CHAIN_BROKEN, message, commit, partition=partition, offset=span.end)

    def _check_counts(self, commit: Commit, partition: int, span: Span) -> None:
        total = span.rows + span.deletes + span.rejects + span.gap_records
        named = sum(len(gap) for gap in span.gaps)
        if total != span.end - span.start or min(span.rows, span.deletes, span.rejects, span.gap_records - named) < 0:
            deletes = f"{span.deletes} tombstones + " if self._latest else ""
            message = (
                f"{span.rows} rows + {deletes}{span.rejects} rejects + {span.gap_records} missing offsets do not make "
                f"the {span.end - span.start} offsets from {span.start} to {span.end}"
            )
            self._add(Code.COUNT_DIFFERS, message, commit, partition=partition, offset=span.start)

    def _check_changes(self, commit: Commit, before: Snapshot) -> None:
        """As many rows come and go as the commit says of keys; files may be rewritten on the way."""
        gone = _gone(commit, before)
        come = [file.records for file in commit.adds]
        changes = _origin(commit).changes
        if changes is None or None in gone or None in come or len(gone) != len(commit.removes):
            message = "the commit does not say what it changed, or removed files that were no part of the table"
            self._add(Code.COUNT_DIFFERS, message, commit)
            return
        grown = sum(count or 0 for count in come) - sum(count or 0 for count in gone)
        claimed = changes["inserted"] - changes["removed"]
        if grown != claimed:
            message = f"the commit claims that the table grew by {claimed} rows, its files say {grown}"
            self._add(Code.COUNT_DIFFERS, message, commit)

    def _check_file_rows(self, commit: Commit, claimed: int) -> None:
        counts = [file.records for file in commit.adds]
        if None in counts:
            message = "a file of the commit has no row count in the log"
            self._add(Code.COUNT_DIFFERS, message, commit, verdict=Verdict.UNKNOWN)
            return
        recorded = sum(count for count in counts if count is not None)
        if recorded != claimed:
            message = f"the commit claims {claimed} rows but its files hold {recorded}"
            self._add(Code.COUNT_DIFFERS, message, commit)

    def _check_claim(self, commit: Commit) -> None:
        self._refuse_moves(commit)
        if commit.adds or commit.removes:
            self._add(Code.FOREIGN_COMMIT, "a claim changed files", commit)

    def _check_replay(self, commit: Commit, before: Snapshot) -> None:
        self._refuse_moves(commit)
        if self._latest:
            self._check_changes(commit, before)
        elif commit.removes:
            self._add(Code.FOREIGN_COMMIT, f"a replay commit removed {len(commit.removes)} files", commit)
        for partition, offsets in _origin(commit).offsets.items():
            if history := self.histories.get(partition):
                history.replayed.update(offsets)

    def _check_rebuild(self, commit: Commit, before: Snapshot) -> None:
        """All rows are written anew, so all that was there goes; which they should be is for the topic to say."""
        self._refuse_moves(commit)
        # What a replay had landed and not yet marked is no row any more: it will be replayed again.
        for history in self.histories.values():
            history.replayed.clear()
        gone, there = {file.path for file in commit.removes}, before.files.keys()
        if gone != there:
            message = f"a rebuild left {len(there - gone)} files and removed {len(gone - there)} that were not there"
            self._add(Code.FOREIGN_COMMIT, message, commit)
        self._check_file_rows(commit, _origin(commit).rows or 0)

    def _rewind(self, commit: Commit) -> None:
        for app, position in commit.txns.items():
            partition = self._partition_of(app)
            history = None if partition is None else self.histories.get(partition)
            if history is None or position >= history.position:
                continue
            history.rewound = True
            history.since = min(history.since, position)
            if history.given:
                history.start = history.since
            history.gaps.remove_range(position, history.position)
            history.hidden = [hidden for hidden in history.hidden if hidden[1] <= position]

    def _check_compaction(self, commit: Commit, before: Snapshot) -> None:
        self._refuse_moves(commit)
        if any(file.data_change for file in commit.adds) or any(file.data_change for file in commit.removes):
            self._add(Code.FOREIGN_COMMIT, "a compaction says that it changed rows", commit)
        gone = [file.path for file in commit.removes if file.path not in before.files]
        if gone:
            message = f"a compaction replaced {len(gone)} files that were no longer part of the table"
            self._add(Code.FOREIGN_COMMIT, message, commit, file=gone[0])
        self._check_rewrite(commit, before)

    def _check_foreign(self, commit: Commit, before: Snapshot) -> None:
        self._refuse_moves(commit)
        named = f"version {commit.version} ({commit.operation})"
        added = [file for file in commit.adds if file.data_change]
        removed = [file for file in commit.removes if file.data_change]
        if added:
            message = f"{named} is not Headrace's and added rows in {len(added)} files"
            self._add(Code.FOREIGN_COMMIT, message, commit, file=added[0].path)
        if removed:
            message = f"{named} is not Headrace's and removed rows in {len(removed)} files"
            self._add(Code.FOREIGN_COMMIT, message, commit, file=removed[0].path)
        if not added and not removed:
            self._check_rewrite(commit, before)

    def _check_rewrite(self, commit: Commit, before: Snapshot) -> None:
        """Maintenance may move rows between files, never change how many there are."""
        gone = _gone(commit, before)
        come = [file.records for file in commit.adds]
        if None in gone or None in come:
            return  # the rows themselves are counted by the file checks
        was, now = (sum(n for n in counts if n is not None) for counts in (gone, come))
        if was != now:
            message = f"version {commit.version} ({commit.operation}) turned {was} rows into {now}"
            self._add(Code.COUNT_DIFFERS, message, commit)

    def _refuse_moves(self, commit: Commit) -> None:
        for app, position in commit.txns.items():
            partition = self._partition_of(app)
            history = None if partition is None else self.histories.get(partition)
            if partition is not None and (history is None or history.position != position):
                stood = history.position if history else None
                message = f"{commit.operation} moved the position from {stood} to {position} without its records"
                self._add(Code.CHAIN_BROKEN, message, commit, partition=partition, offset=position)

    def _move(self, commit: Commit) -> None:
        for app, position in commit.txns.items():
            partition = self._partition_of(app)
            if partition is None:
                continue
            history = self.histories.get(partition)
            if history is None:
                start = position if commit.version == 0 else 0
                history = self.histories[partition] = PartitionHistory(start, start, position)
            history.position = position
        if commit.origin is not None:
            for partition, span in commit.origin.spans.items():
                if partition in self.histories:
                    self.histories[partition].record(span)

    def _partition_of(self, app: str) -> int | None:
        number = app.removeprefix(self._prefix)
        return int(number) if app.startswith(self._prefix) and number.isascii() and number.isdigit() else None

    def _add(  # noqa: PLR0913  # a finding's fields, all by name
        self,
        code: Code,
        message: str,
        commit: Commit,
        *,
        verdict: Verdict = Verdict.FAIL,
        partition: int | None = None,
        offset: int | None = None,
        file: str | None = None,
    ) -> None:
        batch = commit.origin.batch if commit.origin else None
        self._findings.add(
            Finding(
                verdict,
                code,
                message,
                partition,
                offset,
                file=file,
                version=commit.version,
                batch=batch,
            )
        )


def _gone(commit: Commit, before: Snapshot) -> list[int | None]:
    """Rows of the files that a commit takes from the table, None where the log does not say.

    A file of the table that is added once more takes its own place, as where Spark begins to track rows.
    """
    left = {file.path for file in commit.removes} | {file.path for file in commit.adds}
    return [before.files[path].records for path in left if path in before.files]


def _origin(commit: Commit) -> Origin:
    if commit.origin is None:
        msg = f"commit {commit.version} is not Headrace's"
        raise ValueError(msg)
    return commit.origin
