"""One run over one pinned table: the I/O steps of the proof, each of which leaves its results for the next."""

from collections.abc import Collection, Mapping
from pathlib import Path

from headrace.contracts import QUARANTINE_SUFFIX, Contract
from headrace.offsets import OffsetRange
from headrace.read.proof.actions import DataFile
from headrace.read.proof.agreement import disagreement
from headrace.read.proof.audit import Extent
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.chain import Chain
from headrace.read.proof.checkpoints import Snapshot
from headrace.read.proof.compare import Difference, Located, compare_offsets, compare_values
from headrace.read.proof.contents import new_contents
from headrace.read.proof.coverage import Coverage, cover, cover_latest
from headrace.read.proof.expired import check_gone, positions_by_now, report_expired
from headrace.read.proof.files import FileChecker, FileDamagedError
from headrace.read.proof.findings import Code, Finding, Findings, Level, Verdict, worst
from headrace.read.proof.given import Base, compare_moved
from headrace.read.proof.histories import PartitionHistory
from headrace.read.proof.identity import TableIdentity, identify
from headrace.read.proof.keyed import KeyStates
from headrace.read.proof.latest import EventReader
from headrace.read.proof.log import Pin, Replay
from headrace.read.proof.offset_sets import first
from headrace.read.proof.quarantined import Quarantine
from headrace.read.proof.reading import RowReader, missing
from headrace.read.proof.replaying import LatestReplay, RowKeys, doubled
from headrace.read.proof.report import PartitionReport, TableReport
from headrace.read.proof.store import LocalFiles
from headrace.read.proof.truth import Expected, Progress, Survey, Truth
from headrace.read.proof.values import ValueFinder


class TableRun:
    """Call the steps in the order in which they stand here.

    Args:
        root: folder of the tables.
        table: which one.
        base: what is taken as given; None checks all.
        progress: told how far it is.
    """

    def __init__(self, root: Path, table: str, *, base: Base | None, progress: Progress) -> None:
        self.findings = Findings()
        self.base = base
        self._table = table
        self._progress = progress
        self._files = LocalFiles(root / table)
        self._quarantine_files = LocalFiles(root / (table + QUARANTINE_SUFFIX))
        self._quarantine = Quarantine(self._quarantine_files, -1, -1)
        self._checker = FileChecker(self._files)
        self._pin: Pin | None = None
        self._snapshot = Snapshot()
        self._given: Mapping[str, DataFile] = {}
        self._histories: Mapping[int, PartitionHistory] = {}
        self._contents = new_contents()
        self._extents: Mapping[str, Mapping[int, Extent]] = {}
        self._coverage: dict[int, Coverage] = {}
        self._differences: dict[int, Difference] = {}
        self._differing: dict[int, int] = {}
        self._levels: list[Level] = []
        self._keys = KeyStates()
        self._gone: dict[int, OffsetRange] = {}

    @property
    def identity(self) -> TableIdentity:
        """What the table says it is; after `replay_log`."""
        return identify(self._snapshot.configuration)

    def disagreement(self, contract: Contract) -> str | None:
        """What keeps values from being compared by `contract`; after `replay_log`."""
        return disagreement(contract, self._snapshot.configuration, self._snapshot.columns)

    def replay_log(self) -> None:
        """Pins the newest version and replays the log up to it, checking the chain of commits.

        Raises:
            LogDamagedError: the log cannot be replayed.
            UnsupportedTableError: Headrace did not make the table, or it uses an unknown feature.
        """
        replay = Replay(self._files, self.base.version if self.base else None)
        self._pin = pin = replay.pin
        self._note_pin(pin)
        snapshot = self._snapshot = replay.snapshot
        chain: Chain | None = None
        if self.base:
            self._given = dict(snapshot.files)
            chain = self._chain(snapshot.configuration)
            for finding in self.base.compare({p: history.position for p, history in chain.histories.items()}):
                self._add(finding)
        for commit in replay.commits(self.findings):
            chain = chain or self._chain(commit.configuration or snapshot.configuration)
            chain.check(commit, snapshot)
            self._progress("log", commit.version - pin.checked_from, pin.version - pin.checked_from)
        chain = chain or self._chain(snapshot.configuration)
        self._histories = chain.histories
        self._levels.append(Level.LOG)

    def _chain(self, configuration: Mapping[str, str]) -> Chain:
        return Chain(identify(configuration), self._snapshot, findings=self.findings, given=self.base is not None)

    def _note_pin(self, pin: Pin) -> None:
        for remark in pin.remarks:
            self._add(remark)
        if pin.base and not self.base:
            version = pin.base.version
            message = f"commits are checked from version {version} on: older ones are no longer retained"
            self._add(Finding(Verdict.PASS, Code.REMARK, message, version=version))

    def read_quarantine(self) -> None:
        """Reads which records are quarantined; the main table has been pinned before.

        Raises:
            LogDamagedError, UnsupportedTableError: the quarantine's log cannot be replayed.
            TableMovedOnError: a file of it was removed meanwhile.
        """
        version, given = self._pin.version if self._pin else -1, self.base.version if self.base else -1
        self._quarantine = Quarantine(self._quarantine_files, version, given)
        self._quarantine.load(self.findings)
        try:
            self._quarantine.fill(self._contents, self._histories, self.findings)
        except FileNotFoundError as error:
            self._add(missing(self._quarantine_files, str(error)))
        except FileDamagedError as error:
            self._add(Finding(Verdict.FAIL, Code.FILE_DAMAGED, f"the quarantine cannot be read: {error}"))

    def read_files(self, codec: ValueCodec | None) -> None:
        """Reads every active file that is not given once: addresses, and with `codec` the values.

        Raises:
            TableMovedOnError: a file was removed since the version was pinned.
        """
        files = [file for path, file in self._snapshot.files.items() if self._given.get(path) is not file]
        rule = self.identity.rule
        reader = RowReader(
            self._files,
            histories=self._histories,
            contents=self._contents,
            findings=self.findings,
            keys=RowKeys(rule, self._keys) if rule else None,
        )
        reader.read(sorted(files, key=_by_age), codec, self._progress)
        self._extents = reader.extents
        self._levels.append(Level.FILES)

    def cover(self) -> None:
        """Accounts for every offset, and names where duplicates lie."""
        moved = 0
        account = cover_latest if self.identity.rule else cover
        for partition, history in sorted(self._histories.items()):
            content = self._contents[partition]
            if history.given:
                moved += content.look_from(history.floor, history.replayed)
            self._coverage[partition] = account(partition, history, content, self.findings)
        if not any(history.rewound for history in self._histories.values()):
            self._add(compare_moved(self._given, self._snapshot.files, moved))
        for partition, content in self._contents.items():
            if content.duplicates:
                self._name_duplicates(partition)

    def _name_duplicates(self, partition: int) -> None:
        duplicates = self._contents[partition].duplicates
        shown = first(duplicates, 5)
        for offset, files in self._finder().holders(partition, shown).items():
            holders = ", ".join(f"{f.path} (version {f.version}, batch {f.batch})" for f in files)
            message = f"offset {offset} is in the table {len(files)} times: {holders}"
            count = len(duplicates)
            self._add(files[-1].blame(Code.DUPLICATE, message, partition=partition, offset=offset, count=count))

    def accept_expired(self) -> None:
        """Nobody can be asked about offsets from before the retained log: says so."""
        for partition, covered in self._coverage.items():
            if covered.expired:
                report_expired(partition, covered.expired, "(no topic or ledger was asked)", self.findings)

    def accept_keys(self) -> None:
        """Nobody can be asked which event of a key counts: only that none has two rows is checked."""
        for finding in doubled(self._keys, self._snapshot.files):
            self._add(finding)

    def compare(self, truth: Truth, codec: ValueCodec | None) -> None:
        """Compares with the topic or the ledger.

        Raises:
            HeadraceError: it cannot be read.
        """
        earliest = self.identity.start == "earliest"
        expected = {
            partition: Expected(
                0 if earliest and self._histories[partition].start is None else covered.start,
                covered.position,
                self._contents[partition].quarantined - self._contents[partition].rows,
                self._contents[partition].sums if codec else None,
            )
            for partition, covered in self._coverage.items()
        }
        if self.identity.rule is None:
            for survey in truth.survey(expected, self._progress):
                self._gone[survey.partition] = survey.gone
                self._compare_partition(survey, truth, codec)
        elif codec is not None:
            self._compare_keys(truth, expected, EventReader(codec.contract, self.identity.rule))
        self._levels.append(truth.level)

    def check_gone(self) -> None:
        """Names what the topic lost before anybody read it, as far as `compare` came."""
        if self._pin and any(map(len, self._gone.values())):
            position = positions_by_now(self._files, self._pin.version, self.identity)
            check_gone(self._gone, position, self.findings)

    def _compare_keys(self, truth: Truth, expected: Mapping[int, Expected], reader: EventReader) -> None:
        replay = LatestReplay(self._keys, reader, self.findings)
        for replayed in truth.replay(expected, self._progress):
            self._gone[replayed.partition] = replayed.gone
            covered = self._coverage.get(replayed.partition)
            if covered is None:
                self._note_unread(replayed.partition, replayed.behind)
            else:
                where = replayed.partition
                replay.take(replayed, covered, self._contents[where], self._histories[where])

        def right(partition: int, blocks: Collection[int]) -> Mapping[int, frozenset[bytes]]:
            return truth.digests(partition, blocks, self._coverage[partition].position)

        for partition, (difference, differing) in replay.compare(self._snapshot.files, right).items():
            self._differences[partition], self._differing[partition] = difference, differing

    def _note_unread(self, partition: int, behind: int) -> None:
        message = f"partition {partition} has {behind} records and no position yet"
        self._add(Finding(Verdict.PASS, Code.REMARK, message, count=behind))

    def close(self) -> None:
        """Lets go of scratch files; the last call."""
        self._keys.close()

    def _compare_partition(self, survey: Survey, truth: Truth, codec: ValueCodec | None) -> None:
        partition = survey.partition
        covered = self._coverage.get(partition)
        if covered is None:
            self._note_unread(partition, survey.behind)
            return
        self._differences[partition] = compare_offsets(
            partition, covered, survey, level=truth.level, findings=self.findings
        )
        if codec is None:
            return

        def ours(blocks: Collection[int]) -> Mapping[int, Located]:
            return self._finder().digests(partition, blocks, codec)

        def theirs(blocks: Collection[int]) -> Mapping[int, frozenset[bytes]]:
            return truth.digests(partition, blocks, covered.position)

        self._differing[partition] = compare_values(partition, survey, ours=ours, theirs=theirs, findings=self.findings)

    def report(self) -> TableReport:
        """All that was found; also after a step that failed."""
        partitions = tuple(self._partition(partition) for partition in sorted(self._coverage))
        shown = {partition.partition for partition in partitions}
        elsewhere = [where for where in self.findings.partitions() if where not in shown]
        return TableReport(
            table=self._table,
            path=str(self._files.root),
            verdict=worst(*(finding.verdict for finding in self.findings)),
            topic=self._snapshot.configuration.get("headrace.topic"),
            version=self._pin.version if self._pin else None,
            base_version=self._pin.checked_from if self._pin else None,
            since=self.base.version if self.base else None,
            levels=tuple(self._levels),
            files=len(self._snapshot.files),
            partitions=partitions,
            findings=tuple(finding for where in elsewhere for finding in self.findings.of(where)),
            counts=self.findings.counts(),
        )

    def _partition(self, partition: int) -> PartitionReport:
        return PartitionReport.of(
            self._coverage[partition],
            self._contents[partition],
            self._differences.get(partition),
            partition=partition,
            differing=self._differing.get(partition),
            findings=self.findings.of(partition),
        )

    def _finder(self) -> ValueFinder:
        return ValueFinder(self._checker, self._quarantine, files=self._snapshot.files, extents=self._extents)

    def _add(self, finding: Finding | None) -> None:
        if finding is not None:
            self.findings.add(finding)


def _by_age(file: DataFile) -> tuple[int, str]:
    return (-1 if file.version is None else file.version, file.path)
