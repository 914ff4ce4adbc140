from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import InvariantError
from headrace.offsets import OffsetRange
from headrace.testing.records import make_records, places_of
from headrace_ingest.batch import Batch
from headrace_ingest.intake import Admitted, Intake, Lease


def _lease(position: int, *, quarantined: frozenset[int] = frozenset(), partition: int = 0) -> Lease:
    return Lease(partition, 1, position, position, quarantined)


def _admit(lease: Lease, offsets: list[int], end: int | None = None) -> Admitted:
    places = [(lease.partition, offset) for offset in offsets]
    return Intake({lease.partition: lease}).admit(make_records(places), {} if end is None else {lease.partition: end})


def _offsets(admitted: Admitted) -> list[int]:
    return [offset for _, offset in places_of(admitted.records)]


def test_unbroken_run_is_admitted_whole() -> None:
    lease = _lease(5)
    admitted = _admit(lease, [5, 6, 7])
    assert _offsets(admitted) == [5, 6, 7]
    assert (lease.position, lease.anchored) == (8, True)
    assert (admitted.spans[0].start, admitted.spans[0].end, admitted.spans[0].rows) == (5, 8, 3)


def test_records_below_the_position_are_not_admitted_again() -> None:
    lease = _lease(5)
    assert _offsets(_admit(lease, [3, 4, 5, 6])) == [5, 6]
    assert _offsets(_admit(lease, [3, 4, 5])) == []
    assert lease.position == 7


def test_first_record_beyond_the_position_is_sought_once_and_then_believed() -> None:
    lease = _lease(5)
    first = _admit(lease, [9, 10])
    assert (_offsets(first), first.seeks, first.spans, lease.position) == ([], {0: 5}, {}, 5)
    second = _admit(lease, [9, 10])
    assert (_offsets(second), second.seeks, lease.position) == ([9, 10], {}, 11)
    assert second.spans[0].gaps == [OffsetRange(5, 9)]
    assert (second.spans[0].gap_records, second.spans[0].rows) == (4, 2)


def test_another_first_record_than_the_doubted_one_is_doubted_too() -> None:
    lease = _lease(5)
    _admit(lease, [9])
    again = _admit(lease, [7, 8, 9])
    assert (_offsets(again), again.seeks) == ([], {0: 5})


def test_records_that_a_seek_brings_back_are_no_gap() -> None:
    lease = _lease(5)
    _admit(lease, [9])
    again = _admit(lease, [5, 6, 7, 8, 9])
    assert (_offsets(again), again.spans[0].gap_records, lease.doubted) == ([5, 6, 7, 8, 9], 0, None)


def test_later_records_of_a_poll_that_asks_for_a_seek_are_left_to_the_seek() -> None:
    leases = {0: _lease(5), 1: _lease(0, partition=1)}
    admitted = Intake(leases).admit(make_records([(0, 9), (1, 0), (0, 10), (1, 1)]), {0: 11})
    assert places_of(admitted.records) == [(1, 0), (1, 1)]
    assert (admitted.seeks, leases[0].position) == ({0: 5}, 5)


def test_gap_in_mid_stream_is_recorded_without_a_seek() -> None:
    lease = _lease(5)
    _admit(lease, [5])
    admitted = _admit(lease, [6, 9, 10, 12])
    assert (_offsets(admitted), admitted.seeks) == ([6, 9, 10, 12], {})
    assert admitted.spans[0].gaps == [OffsetRange(7, 9), OffsetRange(11, 12)]


def test_end_of_partition_moves_past_offsets_without_records() -> None:
    lease = _lease(5)
    admitted = _admit(lease, [5, 6], end=10)
    assert (lease.position, admitted.spans[0].end, admitted.spans[0].rows) == (10, 10, 2)
    assert admitted.spans[0].gaps == [OffsetRange(7, 10)]


def test_end_of_partition_alone_accounts_for_offsets() -> None:
    lease = _lease(5)
    lease.anchored = True
    admitted = _admit(lease, [], end=8)
    assert (admitted.spans[0].start, admitted.spans[0].end, admitted.spans[0].rows) == (5, 8, 0)


def test_end_right_after_an_assignment_is_believed_the_second_time() -> None:
    lease = _lease(100)
    doubted = _admit(lease, [], end=200)
    assert (doubted.seeks, doubted.spans) == ({0: 100}, {})
    believed = _admit(lease, [], end=200)
    assert (believed.seeks, believed.spans[0].gap_records, lease.position) == ({}, 100, 200)


def test_end_of_partition_at_or_below_the_position_changes_nothing() -> None:
    lease = _lease(5)
    assert _admit(lease, [], end=5).spans == _admit(lease, [], end=3).spans == {}
    assert lease.position == 5


def test_quarantined_record_is_counted_and_not_decoded_again() -> None:
    lease = _lease(5, quarantined=frozenset({6}))
    admitted = _admit(lease, [5, 6, 7])
    assert _offsets(admitted) == [5, 7]
    assert (admitted.spans[0].rejects, admitted.spans[0].rows) == (1, 2)


def test_quarantined_offsets_belong_to_their_own_partition() -> None:
    leases = {0: _lease(5, quarantined=frozenset({6})), 1: _lease(5, partition=1)}
    admitted = Intake(leases).admit(make_records([(0, 5), (0, 6), (1, 5), (1, 6)]), {})
    assert places_of(admitted.records) == [(0, 5), (1, 5), (1, 6)]


def test_partitions_that_are_not_held_are_left_alone() -> None:
    admitted = Intake({0: _lease(0)}).admit(make_records([(1, 0), (0, 0), (2, 7)]), {2: 9})
    assert (places_of(admitted.records), set(admitted.spans)) == ([(0, 0)], {0})


@pytest.mark.parametrize("offsets", [[5, 7, 6], [5, 5], [9, 8]])
def test_offsets_out_of_order_stop_the_worker(offsets: list[int]) -> None:
    with pytest.raises(InvariantError, match=r"partition 0: .* out of order"):
        _admit(_lease(5), offsets)


def test_empty_poll_admits_nothing() -> None:
    admitted = Intake({0: _lease(0)}).admit(make_records([]), {})
    assert (len(admitted.records), admitted.spans, admitted.seeks) == (0, {}, {})


@dataclass
class _Partition:
    """A partition's log, and the place from which its client reads on."""

    existing: list[int]
    quarantined: frozenset[int]
    start: int
    end: int
    read_from: int = 0
    admitted: list[int] = field(default_factory=list)

    def next(self, count: int) -> list[int]:
        found = [offset for offset in self.existing if offset >= self.read_from][:count]
        if found:
            self.read_from = found[-1] + 1
        return found

    def at_end(self) -> bool:
        return not any(offset >= self.read_from for offset in self.existing)


@st.composite
def _partitions(draw: st.DrawFn) -> _Partition:
    end = draw(st.integers(0, 40))
    existing = sorted(draw(st.sets(st.integers(0, max(0, end - 1)), max_size=end)))
    start = draw(st.integers(0, end))
    quarantined = draw(st.frozensets(st.sampled_from(existing))) if existing else frozenset()
    return _Partition(existing, frozenset(o for o in quarantined if o >= start), start, end, start)


class _Client:
    """Polls that a broker's client could bring: in any portions, from further back or too far ahead, interleaved."""

    def __init__(self, logs: list[_Partition], data: st.DataObject) -> None:
        self.logs = logs
        self.leases = {p: _lease(log.start, quarantined=log.quarantined, partition=p) for p, log in enumerate(logs)}
        self.batch = Batch()
        self._data = data

    def disturb(self) -> None:
        for partition, log in enumerate(self.logs):
            lease = self.leases[partition]
            far = self._data.draw(st.integers(0, log.end), label=f"p{partition} reads on from")
            # Ahead of the position only before the first record: later the client's order is relied on.
            log.read_from = far if not lease.anchored and lease.doubted is None else min(far, lease.position)

    def poll(self, count: int) -> None:
        places: list[tuple[int, int]] = []
        for partition, log in self._data.draw(st.permutations(list(enumerate(self.logs)))):
            places += [(partition, offset) for offset in log.next(count)]
        ends = {p: log.end for p, log in enumerate(self.logs) if log.at_end()}
        self._take(Intake(self.leases).admit(make_records(places), ends))

    def finish(self) -> None:
        for _ in range(4):
            for partition, log in enumerate(self.logs):
                log.read_from = self.leases[partition].position
            self.poll(1_000)
        ends = {p: log.end for p, log in enumerate(self.logs)}
        for _ in range(2):  # an end is believed the second time
            self._take(Intake(self.leases).admit(make_records([]), ends))

    def _take(self, admitted: Admitted) -> None:
        for partition, span in admitted.spans.items():
            before = self.batch.spans.get(partition)
            assert span.start == (self.logs[partition].start if before is None else before.end)
            assert span.end == self.leases[partition].position
        came = places_of(admitted.records)
        assert sum(span.rows for span in admitted.spans.values()) == len(came)
        for partition, offset in came:
            self.logs[partition].admitted.append(offset)
        self.batch.account(admitted.spans, 0.0)
        for partition, position in admitted.seeks.items():
            self.logs[partition].read_from = position


@given(logs=st.lists(_partitions(), min_size=1, max_size=3), data=st.data())
def test_every_existing_offset_is_admitted_exactly_once_and_in_order(
    logs: list[_Partition], data: st.DataObject
) -> None:
    client = _Client(logs, data)
    for disturbed, count in data.draw(st.lists(st.tuples(st.booleans(), st.integers(1, 8)), max_size=12)):
        if disturbed:
            client.disturb()
        client.poll(count)
    client.finish()
    for partition, log in enumerate(logs):
        ahead = [offset for offset in log.existing if offset >= log.start]
        assert log.admitted == [offset for offset in ahead if offset not in log.quarantined]
        assert client.leases[partition].position == log.end
        span = client.batch.spans.get(partition)
        if span is None:
            assert log.start == log.end
            continue
        assert (span.start, span.end, span.rejects) == (log.start, log.end, len(log.quarantined))
        assert span.gap_records == log.end - log.start - len(ahead)
        assert span.rows + span.rejects + span.gap_records == span.end - span.start
        missing = [offset for gap in span.gaps for offset in range(gap.start, gap.end)]
        assert missing == [offset for offset in range(log.start, log.end) if offset not in log.existing]
