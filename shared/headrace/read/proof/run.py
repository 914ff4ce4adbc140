"""One run over one pinned table: the I/O steps of the proof, each of which leaves its results for the next."""

from collections.abc import Collection, Mapping
from pathlib import Path

from headrace.contracts import Contract
from headrace.read.proof.actions import DataFile
from headrace.read.proof.agreement import disagreement
from headrace.read.proof.audit import Extent, RowAudit
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.chain import Chain, PartitionHistory
from headrace.read.proof.checkpoints import Snapshot
from headrace.read.proof.compare import Difference, Located, compare_offsets, compare_values, report_expired
from headrace.read.proof.contents import new_contents
from headrace.read.proof.coverage import Coverage, cover
from headrace.read.proof.files import FileChecker, FileDamagedError, damaged
from headrace.read.proof.findings import Code, Finding, Findings, Level, TableMovedOnError, Verdict, worst
from headrace.read.proof.identity import TableIdentity, identify
from headrace.read.proof.log import LogWalker, Pin, is_active
from headrace.read.proof.offset_sets import by_partition, first, offsets_of
from headrace.read.proof.quarantined import Quarantine
from headrace.read.proof.report import PartitionReport, TableReport
from headrace.read.proof.store import QUARANTINE_SUFFIX, LocalFiles
from headrace.read.proof.truth import Expected, Progress, Survey, Truth
from headrace.read.proof.values import ValueFinder


class TableRun:
    """Call the steps in the order in which they stand here."""

    def __init__(self, root: Path, table: str, findings: Findings, progress: Progress) -> None:
        self.findings = findings
        self._table = table
        self._progress = progress
        self._files = LocalFiles(root / table)
        self._quarantine_files = LocalFiles(root / (table + QUARANTINE_SUFFIX))
        self._quarantine = Quarantine(self._quarantine_files, -1)
        self._checker = FileChecker(self._files)
        self._pin: Pin | None = None
        self._snapshot = Snapshot()
        self._histories: Mapping[int, PartitionHistory] = {}
        self._contents = new_contents()
        self._extents: Mapping[str, Mapping[int, Extent]] = {}
        self._coverage: dict[int, Coverage] = {}
        self._differences: dict[int, Difference] = {}
        self._differing: dict[int, int] = {}
        self._levels: list[Level] = []

    @property
    def identity(self) -> TableIdentity:
        """What the table says it is; after `replay_log`."""
        return identify(self._snapshot.configuration)

    def disagreement(self, contract: Contract) -> str | None:
        """What keeps values from being compared by `contract`; after `replay_log`."""
        return disagreement(contract, self._snapshot.configuration, self._snapshot.columns)

    @property
    def _positions(self) -> dict[int, int]:
        return {partition: history.position for partition, history in self._histories.items()}

    def replay_log(self) -> None:
        """Pins the newest version and replays the log up to it, checking the chain of commits.

        Raises:
            LogDamagedError: the log cannot be replayed.
            UnsupportedTableError: Headrace did not make the table, or it uses an unknown feature.
        """
        walker = LogWalker(self._files)
        self._pin = pin = walker.pin()
        self._note_pin(pin)
        snapshot = self._snapshot = walker.base_snapshot(pin)
        chain: Chain | None = None
        for commit in walker.commits(pin):
            chain = chain or self._chain(commit.configuration or snapshot.configuration)
            chain.check(commit, snapshot)
            snapshot.apply(commit)
            self._progress("log", commit.version - pin.base_version, pin.version - pin.base_version)
            if pin.newest and pin.newest.version == commit.version:
                self._add(walker.compare_newest(pin, snapshot))
        chain = chain or self._chain(snapshot.configuration)
        self._histories = chain.histories
        self._levels.append(Level.LOG)

    def _chain(self, configuration: Mapping[str, str]) -> Chain:
        identity = identify(configuration)
        return Chain(identity.source, identity.partitions, self._snapshot, self.findings)

    def _note_pin(self, pin: Pin) -> None:
        for remark in pin.remarks:
            self._add(remark)
        if pin.base:
            version = pin.base.version
            message = f"commits are checked from version {version} on: older ones are no longer retained"
            self._add(Finding(Verdict.PASS, Code.REMARK, message, version=version))

    def read_quarantine(self) -> None:
        """Reads which records are quarantined; the main table has been pinned before.

        Raises:
            LogDamagedError, UnsupportedTableError: the quarantine's log cannot be replayed.
            TableMovedOnError: a file of it was removed meanwhile.
        """
        self._quarantine = Quarantine(self._quarantine_files, self._pin.version if self._pin else -1)
        self._quarantine.load(self.findings)
        try:
            self._quarantine.fill(self._contents, self._positions, self.findings)
        except FileNotFoundError as error:
            self._add(_missing(self._quarantine_files, str(error)))
        except FileDamagedError as error:
            self._add(Finding(Verdict.FAIL, Code.FILE_DAMAGED, f"the quarantine cannot be read: {error}"))

    def read_files(self, codec: ValueCodec | None) -> None:
        """Reads every active file once: addresses, and with `codec` the values.

        Raises:
            TableMovedOnError: a file was removed since the version was pinned.
        """
        audit = RowAudit(self._contents, self._positions, self.findings)
        total = len(self._snapshot.files)
        for done, file in enumerate(sorted(self._snapshot.files.values(), key=_by_age)):
            self._progress("files", done, total)
            try:
                self._add(self._checker.check(file))
                self._read_file(file, audit, codec)
            except FileNotFoundError:
                self._add(_missing(self._files, file.path, file))
            except FileDamagedError as error:
                self._add(damaged(file, str(error)))
            audit.finish(file)
        self._progress("files", total, total)
        self._extents = audit.extents
        self._levels.append(Level.FILES)

    def _read_file(self, file: DataFile, audit: RowAudit, codec: ValueCodec | None) -> None:
        count = 0
        for batch in self._checker.batches(file, codec.columns if codec else ()):
            count += batch.num_rows
            for partition, rows in by_partition(batch):
                offsets = offsets_of(rows.column("_offset"))
                audit.add(partition, offsets)
                if codec:
                    self._contents[partition].sums.add_values(offsets, codec.encode(rows))
            if codec:
                self._add(codec.check_partition_value(file, batch))
        if file.records is not None and count != file.records:
            self._add(damaged(file, f"it has {count} rows, the log says {file.records}"))

    def cover(self) -> None:
        """Accounts for every offset, and names where duplicates lie."""
        for partition, history in sorted(self._histories.items()):
            content = self._contents[partition]
            self._coverage[partition] = cover(partition, history, content, self.findings)
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
                self._contents[partition].quarantined,
                self._contents[partition].sums if codec else None,
            )
            for partition, covered in self._coverage.items()
        }
        for survey in truth.survey(expected, self._progress):
            self._compare_partition(survey, truth, codec)
        self._levels.append(truth.level)

    def _compare_partition(self, survey: Survey, truth: Truth, codec: ValueCodec | None) -> None:
        partition = survey.partition
        covered = self._coverage.get(partition)
        if covered is None:
            message = f"partition {partition} has {survey.behind} records and no position yet"
            self._add(Finding(Verdict.PASS, Code.REMARK, message, count=survey.behind))
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
            base_version=self._pin.base_version if self._pin else None,
            levels=tuple(self._levels),
            files=len(self._snapshot.files),
            partitions=partitions,
            findings=tuple(finding for where in elsewhere for finding in self.findings.of(where)),
        )

    def _partition(self, partition: int) -> PartitionReport:
        return PartitionReport.of(
            self._coverage[partition],
            self._contents[partition],
            self._differences.get(partition),
            partition=partition,
            differing=self._differing.get(partition, 0),
            findings=self.findings.of(partition),
        )

    def _finder(self) -> ValueFinder:
        return ValueFinder(self._checker, self._quarantine, files=self._snapshot.files, extents=self._extents)

    def _add(self, finding: Finding | None) -> None:
        if finding is not None:
            self.findings.add(finding)


def _missing(files: LocalFiles, path: str, file: DataFile | None = None) -> Finding:
    """The finding that an active data file is not there.

    Raises:
        TableMovedOnError: it is no longer active: maintenance has replaced and removed it meanwhile.
    """
    if not is_active(files, path):
        msg = f"{path} was removed by maintenance while the table was read: run verify again"
        raise TableMovedOnError(msg)
    message = f"{path} is part of the table but is not there"
    if file is not None:
        return file.blame(Code.FILE_MISSING, message)
    return Finding(Verdict.FAIL, Code.FILE_MISSING, message, file=path)


def _by_age(file: DataFile) -> tuple[int, str]:
    return (-1 if file.version is None else file.version, file.path)
