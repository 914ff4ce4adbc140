"""G7: readers never see half a batch, while workers and a crash are at work."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from deltalake import DeltaTable

from headrace.testing.waiting import wait_for_more
from tests.behaviour.repeating import repeating
from tests.behaviour.world import TABLE, World, fill, poison

BATCH = 50


@contextmanager
def _reading(world: World) -> Iterator[list[list[tuple[int, int]]]]:
    """Reads the table over and over; gives what each read saw, by partition and offset."""
    reads: list[list[tuple[int, int]]] = []

    def read() -> None:
        if (world.root / TABLE / "_delta_log" / f"{0:020d}.json").exists():
            rows = DeltaTable(str(world.root / TABLE)).to_pyarrow_dataset().to_table(["_partition", "_offset"])
            columns = rows.to_pydict()
            reads.append(sorted(zip(columns["_partition"], columns["_offset"], strict=True)))

    with repeating(read):
        yield reads


def test_a_reader_beside_the_workers_sees_whole_batches_that_only_grow(memory_world: World) -> None:
    with _reading(memory_world) as reads, memory_world.running(flush_rows=BATCH, flush_seconds=60):
        for number in range(40 * BATCH):
            memory_world.topic.append(poison(number) if number % 97 == 0 else fill(number))
            if number % BATCH == BATCH - 1:
                wait_for_more(reads, 1)
    memory_world.drain()  # what the worker had not read yet when it was stopped
    memory_world.assert_exact()
    assert len({len(read) for read in reads}) > 3, "the reader saw the table grow"
    for read in reads:
        assert len(set(read)) == len(read), "a duplicate"
    for before, after in pairwise(reads):
        assert set(before) <= set(after), "a row went away"
    ends = [note["partitions"] for note in memory_world.notes() if note.get("kind") == "ingest"]
    boundaries = {p: {commit[str(p)]["end"] for commit in ends if str(p) in commit} for p in (0, 1)}
    rejected = set(memory_world.quarantined())
    for read in reads:
        for partition in (0, 1):
            offsets = {offset for p, offset in read if p == partition}
            ends_at = {end := max(offsets, default=-1) + 1}
            while (partition, end) in rejected:  # it may belong to this batch, or to the next
                ends_at.add(end := end + 1)
            assert not offsets or ends_at & boundaries[partition], "part of a batch"
