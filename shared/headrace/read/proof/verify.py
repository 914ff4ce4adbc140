"""The proof of one table, step by step: pin, log, quarantine, files, coverage, topic or ledger.

The main table is pinned before the quarantine is read, so that whatever was quarantined for a landed batch is seen.
It may run while workers ingest; a compaction that removes files meanwhile makes it start over once.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.contracts import Contract
from headrace.errors import HeadraceError
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.files import FileDamagedError
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
    worst,
)
from headrace.read.proof.given import Base
from headrace.read.proof.identity import TableIdentity
from headrace.read.proof.report import TableReport
from headrace.read.proof.run import TableRun
from headrace.read.proof.truth import Progress, Truth

OpenTruth = Callable[[TableIdentity, ValueCodec | None], Truth]
"""Opens what a table is to be compared with."""

_ATTEMPTS = 2


class WholeOnlyError(Exception):
    """No version of the table can be taken as given."""


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Shows nothing."""


@dataclass(frozen=True)
class Verifier:
    """Verifies tables under one root.

    Attributes:
        root: folder of the tables.
        contracts: by name; a table whose contract is not among them, or has changed, is compared by offsets only, and
            UNKNOWN.
        open_truth: topic or ledger; None checks log and files alone.
        progress: told how far it is.
    """

    root: Path
    contracts: Mapping[str, Contract]
    open_truth: OpenTruth | None = None
    progress: Progress = no_progress

    def verify(self, table: str, base: Base | None = None) -> TableReport:
        """The report on one table; what cannot be checked becomes a finding, never an exception.

        Args:
            table: its name.
            base: a version that was verified before: only what came after it is checked.

        Raises:
            NoSuchVersionError: the table has no such version yet, and nobody says that it passed.
        """
        for attempt in range(_ATTEMPTS):
            run = TableRun(self.root, table, base=base, progress=self._told_of(table))
            try:
                with closing(run):
                    self._prove(run)
            except WholeOnlyError as error:
                return _whole(self.verify(table), run.findings, str(error))
            except TableMovedOnError as error:
                if attempt + 1 < _ATTEMPTS:
                    continue
                run.findings.add(Finding(Verdict.UNKNOWN, Code.MOVED_ON, str(error)))
            except (FileDamagedError, LogDamagedError) as error:
                run.findings.add(Finding(Verdict.FAIL, error.code, str(error)))
            except UnsupportedTableError as error:
                run.findings.add(Finding(Verdict.UNKNOWN, Code.UNSUPPORTED, str(error)))
            except NoSuchVersionError as error:
                if base is None or base.positions is None:
                    raise
                message = f"version {base.version} passed, but the table is not the one that was verified: {error}"
                run.findings.add(Finding(Verdict.FAIL, Code.LOG_DAMAGED, message))
            except HistoryExpiredError as error:
                run.findings.add(Finding(Verdict.UNKNOWN, Code.HISTORY_EXPIRED, str(error)))
            break
        return run.report()

    def _told_of(self, table: str) -> Progress:
        return lambda stage, done, total: self.progress(f"{table}: {stage}", done, total)

    def _prove(self, run: TableRun) -> None:
        run.replay_log()
        identity = run.identity
        if identity.rule is not None and run.base is not None:
            msg = "the table keeps the latest row of each key, which events before any version decide: all was verified"
            raise WholeOnlyError(msg)
        codec = self._codec(run, identity)
        run.read_quarantine()
        run.read_files(codec if self.open_truth else None)
        run.cover()
        if self.open_truth is not None:
            self._compare(run, codec)
        else:
            run.accept_expired()
            run.accept_keys()

    def _codec(self, run: TableRun, identity: TableIdentity) -> ValueCodec | None:
        contract = self.contracts.get(identity.contract)
        if contract is None:
            reason = "is not known here"
        elif (differs := run.disagreement(contract)) is not None:
            reason = f"is not the one that the table was filled by ({differs})"
        else:
            return ValueCodec(contract)
        if self.open_truth is not None:
            message = (
                f"contract {identity.contract} {reason}, so values were not compared: name its module in "
                "HEADRACE_CONTRACTS"
            )
            run.findings.add(Finding(Verdict.UNKNOWN, Code.NOT_COMPARED, message))
        return None

    def _compare(self, run: TableRun, codec: ValueCodec | None) -> None:
        if self.open_truth is None:
            return
        try:
            truth = self.open_truth(run.identity, codec)
            try:
                run.compare(truth, codec)
            finally:
                truth.close()
        except (FileDamagedError, LogDamagedError, UnsupportedTableError, TableMovedOnError):
            raise
        except HeadraceError as error:
            run.findings.add(Finding(Verdict.UNKNOWN, Code.SOURCE_UNAVAILABLE, str(error)))
            run.accept_expired()
            run.accept_keys()
        run.check_gone()


def _whole(report: TableReport, before: Findings, remark: str) -> TableReport:
    """The report on all of a table, with what was found where a part of it was to be taken as given."""
    failed = [finding for finding in before if finding.verdict is Verdict.FAIL]
    findings = (*report.findings, Finding(Verdict.PASS, Code.REMARK, remark), *failed)
    return replace(report, findings=findings, verdict=worst(report.verdict, *(f.verdict for f in failed)))
