from headrace.offsets import OffsetRange
from headrace.testing.numbers import number_reject, number_rows
from headrace_ingest.batch import Batch, Span


def _filled() -> Batch:
    batch = Batch()
    batch.account({0: Span(10, 14), 1: Span(0, 2)}, 50.0)
    batch.add_rows(number_rows(0, [10, 11, 13]))
    batch.add_rows(number_rows(1, [0, 1]))
    batch.add_reject(number_reject(0, 12))
    return batch


def test_new_batch_is_empty_and_has_a_name_of_its_own() -> None:
    assert Batch().empty
    assert (Batch().records, Batch().table(), Batch().opened_at) == (0, None, None)
    assert Batch().id != Batch().id


def test_rows_and_rejects_add_up_to_the_offsets() -> None:
    batch = _filled()
    assert (batch.spans[0].rows, batch.spans[0].rejects, batch.records) == (3, 1, 6)
    assert batch.positions() == {0: 14, 1: 2}
    table = batch.table()
    assert table is not None
    assert table["_offset"].to_pylist() == [10, 11, 13, 0, 1]


def test_batch_is_opened_by_its_first_entry() -> None:
    batch = Batch()
    batch.account({}, 10.0)
    assert batch.opened_at is None
    batch.account({0: Span(0, 1)}, 20.0)
    batch.account({0: Span(1, 2)}, 30.0)
    assert batch.opened_at == 20.0


def test_spans_of_later_polls_are_appended() -> None:
    batch = Batch()
    batch.account({0: Span(0, 5, rejects=1, gap_records=2, gaps=[OffsetRange(1, 3)])}, 0.0)
    batch.account({0: Span(5, 9, rejects=1, gap_records=1, gaps=[OffsetRange(6, 7)])}, 0.0)
    span = batch.spans[0]
    assert (span.start, span.end, span.rejects, span.gap_records, span.rows) == (0, 9, 2, 3, 4)
    assert span.gaps == [OffsetRange(1, 3), OffsetRange(6, 7)]


def test_accounting_leaves_the_spans_of_the_poll_alone() -> None:
    came = Span(0, 5, gap_records=1, gaps=[OffsetRange(1, 2)])
    batch = Batch()
    batch.account({0: came}, 0.0)
    batch.account({0: Span(5, 9, gap_records=1, gaps=[OffsetRange(6, 7)])}, 0.0)
    assert (came.end, came.gaps) == (5, [OffsetRange(1, 2)])


def test_a_hundred_gaps_are_named_and_all_are_counted() -> None:
    one_poll = Span(0, 0)
    for offset in range(0, 300, 2):
        one_poll.skip(OffsetRange(offset, offset + 1))
        one_poll.extend(offset + 2)
    assert (len(one_poll.gaps), one_poll.gap_records, one_poll.rows) == (100, 150, 150)
    batch = Batch()
    batch.account({0: Span(0, 200, gap_records=60, gaps=[OffsetRange(o, o + 1) for o in range(60)])}, 0.0)
    batch.account({0: Span(200, 400, gap_records=60, gaps=[OffsetRange(o, o + 1) for o in range(200, 260)])}, 0.0)
    assert (len(batch.spans[0].gaps), batch.spans[0].gap_records) == (100, 120)


def test_size_counts_rows_and_rejects() -> None:
    rows, reject = number_rows(0, [0, 1]), number_reject(0, 2)
    batch = Batch()
    batch.account({0: Span(0, 3)}, 0.0)
    batch.add_rows(rows)
    batch.add_reject(reject)
    assert batch.size == rows.nbytes + reject.size
    batch.add_rows(rows.slice(0, 0))
    assert len(batch.rows) == 1


def test_dropping_a_partition_keeps_the_others_whole() -> None:
    batch = _filled()
    kept = batch.without({0, 7})
    assert kept.positions() == {1: 2}
    assert (kept.records, kept.rejects, kept.id, kept.opened_at) == (2, [], batch.id, batch.opened_at)
    assert 0 < kept.size < batch.size
    table = kept.table()
    assert table is not None
    assert table.select(["_partition", "_offset"]).to_pydict() == {"_partition": [1, 1], "_offset": [0, 1]}


def test_dropping_keeps_the_rejects_of_other_partitions() -> None:
    kept = _filled().without({1})
    assert ([r.offset for r in kept.rejects], kept.spans[0].rejects, kept.spans[0].rows) == ([12], 1, 3)


def test_dropping_partitions_that_are_not_there_changes_nothing() -> None:
    batch = _filled()
    assert batch.without({2, 3}) is batch
    assert batch.without(set()) is batch


def test_batch_without_its_last_partition_has_no_age() -> None:
    kept = _filled().without({0, 1})
    assert kept.empty
    assert (kept.opened_at, kept.records, kept.size, kept.table()) == (None, 0, 0, None)


def test_note_names_ranges_gaps_and_digests() -> None:
    batch = Batch()
    batch.account({1: Span(0, 2), 0: Span(100, 250, rejects=2, gap_records=1, gaps=[OffsetRange(110, 111)])}, 0.0)
    assert batch.note("host/1", "0.1.0", {"date=2026-01-01/x.parquet": "ab"}) == {
        "kind": "ingest",
        "batch": batch.id,
        "worker": "host/1",
        "headrace_version": "0.1.0",
        "partitions": {
            "0": {"start": 100, "end": 250, "rows": 147, "rejects": 2, "gap_records": 1, "gaps": [[110, 111]]},
            "1": {"start": 0, "end": 2, "rows": 2, "rejects": 0, "gap_records": 0, "gaps": []},
        },
        "files": {"date=2026-01-01/x.parquet": {"sha256": "ab"}},
    }
