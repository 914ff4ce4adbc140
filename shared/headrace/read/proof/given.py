"""What a run takes as given: a version that was verified before. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headrace.read.proof.actions import DataFile
from headrace.read.proof.findings import Code, Finding, Verdict


@dataclass(frozen=True, slots=True)
class Base:
    """A version that was verified before, and the positions at which it passed, where they are known."""

    version: int
    positions: Mapping[int, int] | None = None

    def compare(self, stands: Mapping[int, int]) -> Iterator[Finding]:
        """Says what is taken as given, and whether it still stands where it passed."""
        message = f"version {self.version} was taken as given; only what came after it was checked"
        yield Finding(Verdict.PASS, Code.REMARK, message, version=self.version)
        if self.positions is not None and self.positions != stands:
            message = (
                f"version {self.version} passed at the positions {_shown(self.positions)} and is at {_shown(stands)} "
                "now: the table is not the one that was verified"
            )
            yield Finding(Verdict.FAIL, Code.CHAIN_BROKEN, message, version=self.version)


def compare_moved(given: Mapping[str, DataFile], files: Mapping[str, DataFile], moved: int) -> Finding | None:
    """Maintenance may put given rows into other files: as many as were in the files that it replaced.

    Args:
        given: the files of the given version.
        files: those of the pinned version.
        moved: how many given rows were found in files that came since.
    """
    replaced = [file.records for path, file in given.items() if files.get(path) is not file]
    taken = sum(count for count in replaced if count is not None)
    if None in replaced:
        message = (
            f"{moved} of the given rows were moved to other files since; the log does not say how many it should be"
        )
        return Finding(Verdict.UNKNOWN, Code.NOT_COMPARED, message, count=moved)
    if taken != moved:
        message = f"files with {taken} of the given rows were replaced since, by files that hold {moved} of them"
        return Finding(Verdict.FAIL, Code.COUNT_DIFFERS, message, count=abs(taken - moved))
    if not moved:
        return None
    message = f"{moved} of the given rows were moved to other files since; only their number was checked"
    return Finding(Verdict.PASS, Code.REMARK, message, count=moved)


def _shown(positions: Mapping[int, int]) -> str:
    listed = ", ".join(f"{partition}: {position}" for partition, position in sorted(positions.items()))
    return listed or "of no partition"
