"""Which files of a partition are worth merging. Pure.

Every rewrite costs its bytes again, so a file is rewritten only together with others like it: one that makes more
than a sixteenth of the result waits, by the default policy. Each rewrite then lifts every byte into a file at least
sixteen times as large, and how often a byte is rewritten is bounded by the logarithm of sizes, however often the
planner looks: three times from files of 16 KiB to the 64 MiB that are aimed at.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headrace.lake.upkeep.health import SMALL
from headrace.lake.upkeep.stats import TableFile
from headrace.sections import MIB, MaintainSettings
from headrace_maintenance.jobs import Job, JobKind

_LIKE = 0.4
"""Of the number of files that have to gather; the sizes of files that came alike differ by as much."""
_LEAST = 4
_WORTH_SEALING = 8 * MIB


@dataclass(frozen=True, slots=True)
class Partition:
    """Files that may be merged with each other.

    Attributes:
        value: of the partition column, None where there is none.
        files: all of the partition.
        largest: weight that one merge may have, since more was too much; None if nothing was.
    """

    value: str | None
    files: Sequence[TableFile]
    largest: int | None = None

    def target(self, mib: int) -> int:
        """Weight of the files to aim at, where the policy says so many MiB."""
        return mib * MIB if self.largest is None else min(mib * MIB, self.largest)


def hot_jobs(partition: Partition, policy: MaintainSettings) -> Iterator[Job]:
    """Merges of a partition that still gets files.

    Args:
        partition: which.
        policy: sizes and counts.
    """
    target = partition.target(policy.target_mib)
    small = sorted((f for f in partition.files if not f.sealed and f.weight < SMALL * target), key=lambda f: f.weight)
    chosen, why = _worth(small, target, policy)
    for group in _groups(chosen, target):
        # What fills a file is done with; what does not is merged only for its numbers.
        full = len(group) > 1 and _weight(group) >= SMALL * target
        if full or (why != _FULL and len(group) >= _LEAST):
            yield Job(JobKind.COMPACT, f"{why}: {told(group)}", tuple(group), partition.value)


_FULL = "small files that fill one"


def _worth(small: Sequence[TableFile], target: int, policy: MaintainSettings) -> tuple[Sequence[TableFile], str]:
    if len(small) >= policy.urgent_files:
        return small, f"{policy.urgent_files} small files or more"
    alike = _alike(small, int(_LIKE * policy.compact_files))
    if len(alike) >= policy.compact_files:
        return alike, f"{policy.compact_files} files of like size or more"
    if len(small) >= _LEAST and _weight(small) >= target:
        return small, _FULL
    return (), ""


def cold_jobs(partition: Partition, policy: MaintainSettings, cluster_by: Sequence[str]) -> Iterator[Job]:
    """Merges of a partition that gets no more files, for good.

    A file that comes late joins the sealed ones only when together they weigh as much: a partition of gigabytes is not
    rewritten for a late record.

    Args:
        partition: which.
        policy: sizes.
        cluster_by: columns that its rows are ordered by; a lone file is rewritten only for an order.
    """
    files, target = partition.files, partition.target(policy.sealed_mib)
    fresh = [file for file in files if not file.sealed]
    weight = _weight(fresh)
    # Late records come a few at a time: sealing each of them would double the sealed files again and again.
    late = any(file.sealed for file in files) and weight < SMALL * target
    if len(fresh) < (_LEAST if late else 1):
        return
    joined = []
    for file in sorted((f for f in files if f.sealed and f.weight < SMALL * target), key=lambda f: f.weight):
        if file.weight > weight:
            break
        joined.append(file)
        weight += file.weight
    ordered = f", ordered by {', '.join(cluster_by)}" if cluster_by else ""
    for group in _groups([*fresh, *joined], target):
        lone = len(group) == 1
        if lone and not _worth_ordering(group[0], partition, cluster_by):
            continue
        reason = f"no file came for {policy.hot_minutes:g} minutes: {told(group)}{ordered}"
        yield Job(JobKind.SEAL, reason, tuple(group), partition.value)


def _worth_ordering(file: TableFile, partition: Partition, cluster_by: Sequence[str]) -> bool:
    """Whether a file is rewritten although there is none to be merged with it."""
    fits = partition.largest is None or file.weight <= partition.largest
    return fits and bool(cluster_by) and not file.sealed and file.size >= _WORTH_SEALING


def _alike(small: Sequence[TableFile], parts: int) -> Sequence[TableFile]:
    """As many of the smallest as there are without one that makes more than one of `parts` of them; `small` rises."""
    total = taken = 0
    for count, file in enumerate(small, start=1):
        total += file.weight
        if file.weight * parts <= total:
            taken = count
    return small[:taken]


def _groups(files: Iterable[TableFile], target: int) -> Iterator[list[TableFile]]:
    """Files in the order of their age, cut where a group would become heavier than `target`."""
    group: list[TableFile] = []
    for file in sorted(files, key=lambda f: (f.modified, f.path)):
        if group and _weight(group) + file.weight > target:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _weight(files: Iterable[TableFile]) -> int:
    return sum(file.weight for file in files)


def told(files: Sequence[TableFile]) -> str:
    """How many files of which size."""
    return f"{len(files)} {'file' if len(files) == 1 else 'files'}, {sum(file.size for file in files) / MIB:.1f} MiB"
