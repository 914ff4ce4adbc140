"""What a spool keeps, on a real disk: across processes, torn writes, damage, and limits."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import AccessDeniedError, ConfigError, EventTooLargeError, StoreError
from headrace.kafka.sender import OutgoingRecord
from headrace.producer._spool import Spool
from headrace.testing.disk import file_size_limit

LIMIT = 1 << 16


def record(number: int, size: int = 20) -> OutgoingRecord:
    headers: list[tuple[str, bytes | None]] = [("id", str(number).encode()), ("none", None)]
    return OutgoingRecord("trades", b"%0*d" % (size, number), b"SPY", headers)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Spool]]:
    """Opens the spool anew, as the next process would."""
    spools: list[Spool] = []

    def open_next() -> Spool:
        for spool in spools:
            spool.close()
        spools[:] = [Spool(tmp_path / "spool", LIMIT)]
        return spools[0]

    yield open_next
    for spool in spools:
        spool.close()


def taken_out(spool: Spool) -> list[tuple[int, OutgoingRecord]]:
    found = []
    while (unsent := spool.next_unsent()) is not None:
        found.append(unsent)
        spool.mark_sent()
    return found


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.spool"))


def test_what_is_not_acknowledged_is_there_for_the_next_process_in_order(opened: Callable[[], Spool]) -> None:
    spool = opened()
    for number in range(10):
        assert spool.append(record(number))
    assert taken_out(spool) == [(n, record(n)) for n in range(10)]
    for number in (0, 1, 2, 5, 9):
        spool.acknowledge(number)
    assert len(spool) == 5
    again = opened()
    assert taken_out(again) == [(n, record(n)) for n in range(3, 10)]
    for number in range(3, 10):
        again.acknowledge(number)
    assert len(again) == 0
    assert taken_out(opened()) == []


def test_numbers_go_on_where_they_stood_although_nothing_is_left(opened: Callable[[], Spool]) -> None:
    spool = opened()
    spool.append(record(0))
    spool.acknowledge(0)
    spool = opened()
    spool.append(record(1))
    assert taken_out(spool) == [(1, record(1))]


def test_segments_are_removed_when_all_of_them_is_acknowledged(opened: Callable[[], Spool], tmp_path: Path) -> None:
    spool = opened()
    count = 0
    while len(segments(tmp_path)) < 4:
        assert spool.append(record(count, 500))
        count += 1
    firsts = [int(name.split(".")[0]) for name in segments(tmp_path)]
    for number in range(1, firsts[2]):
        spool.acknowledge(number)
    assert len(segments(tmp_path)) == 4
    spool.acknowledge(0)
    assert [int(name.split(".")[0]) for name in segments(tmp_path)] == firsts[2:]
    for number in range(firsts[2], count):
        spool.acknowledge(number)
    assert segments(tmp_path) == []


def test_full_spool_takes_no_more_until_a_segment_is_acknowledged(opened: Callable[[], Spool]) -> None:
    spool = opened()
    count = 0
    while spool.append(record(count, 1_000)):
        count += 1
    assert 55 <= count <= 65
    assert not spool.append(record(count, 1_000))
    for number in range(8):
        spool.acknowledge(number)
    assert spool.append(record(count, 1_000))
    assert [number for number, _ in taken_out(opened())] == list(range(8, count + 1))


def test_record_larger_than_the_spool_is_refused(opened: Callable[[], Spool]) -> None:
    with pytest.raises(EventTooLargeError, match="larger than the spool may be"):
        opened().append(record(1, LIMIT))


def test_backlog_larger_than_what_is_held_in_memory_comes_out_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 24)
    for number in range(2_500):
        spool.append(record(number))
    found = []
    for number in range(2_500, 6_000):
        spool.append(record(number))
        unsent = spool.next_unsent()
        assert unsent is not None
        found.append(unsent)
        spool.mark_sent()
    found += taken_out(spool)
    assert found == [(n, record(n)) for n in range(6_000)]
    spool.close()


def test_unfinished_record_at_the_end_is_cut_off_wherever_it_stops(tmp_path: Path) -> None:
    first = Spool(tmp_path, LIMIT)
    for number in range(3):
        first.append(record(number))
    first.close()
    (path,) = tmp_path.glob("*.spool")
    whole = path.read_bytes()
    frame = len(whole) // 3
    for length in range(2 * frame, 3 * frame):
        path.write_bytes(whole[:length])
        spool = Spool(tmp_path, LIMIT)
        spool.append(record(7))
        assert [found for _, found in taken_out(spool)] == [record(0), record(1), record(7)]
        spool.close()
        for segment in tmp_path.glob("*.spool"):
            segment.unlink()


def test_damage_is_named_and_never_read_as_something_else(tmp_path: Path) -> None:
    first = Spool(tmp_path, LIMIT)
    for number in range(3):
        first.append(record(number))
    first.close()
    (path,) = tmp_path.glob("*.spool")
    whole = path.read_bytes()
    frame, refusals = len(whole) // 3, []
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            spool = Spool(tmp_path, LIMIT)
        except StoreError as error:
            refusals.append(str(error))
            continue
        found = [found for _, found in taken_out(spool)]
        assert found == [record(n) for n in range(at // frame)]
        spool.close()
    assert len(refusals) >= 2 * (frame - 4), "only a frame whose length is wrong may be taken for an unfinished end"
    assert all("damaged" in refusal and str(path) in refusal for refusal in refusals)


def test_missing_segment_is_named(opened: Callable[[], Spool], tmp_path: Path) -> None:
    spool = opened()
    count = 0
    while len(segments(tmp_path)) < 3:
        spool.append(record(count, 500))
        count += 1
    (tmp_path / "spool" / segments(tmp_path)[1]).unlink()
    with pytest.raises(StoreError, match="missing"):
        opened()


def test_torn_note_of_what_is_acknowledged_only_repeats(opened: Callable[[], Spool], tmp_path: Path) -> None:
    spool = opened()
    for number in range(3):
        spool.append(record(number))
    spool.acknowledge(0)
    for note in (b"", b"\x01", bytes(12), b"\xff" * 12):
        (tmp_path / "spool" / "acked").write_bytes(note)
        assert [number for number, _ in taken_out(opened())] == [0, 1, 2]


def test_second_process_is_refused(opened: Callable[[], Spool], tmp_path: Path) -> None:
    opened()
    with pytest.raises(ConfigError, match="in use by another process"):
        Spool(tmp_path / "spool", LIMIT)


def test_too_small_a_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="spool_bytes is 100"):
        Spool(tmp_path, 100)


def test_full_disk_takes_nothing_and_loses_nothing(opened: Callable[[], Spool]) -> None:
    spool = opened()
    spool.append(record(0))
    with file_size_limit(100), pytest.raises(StoreError, match="Free space"):
        spool.append(record(1, 500))
    spool.append(record(2))
    assert [found for _, found in taken_out(opened())] == [record(0), record(2)]


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((StoreError, AccessDeniedError), match=r"spool .*file"):
        Spool(tmp_path / "file", LIMIT)


def test_everything_appended_is_synced_whichever_file_it_is_in(
    opened: Callable[[], Spool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fdatasync

    def witness(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fdatasync", witness)
    spool = opened()
    count = 0
    while len(segments(tmp_path)) < 3:
        spool.append(record(count, 500))
        count += 1
    spool.sync_and_close(spool.unsynced())
    assert synced == segments(tmp_path)
    spool.sync_and_close(spool.unsynced())
    assert synced == segments(tmp_path)


@settings(max_examples=100)
@given(steps=st.lists(st.sampled_from(["append", "send", "acknowledge", "reopen"]), max_size=60), data=st.data())
def test_spool_is_a_queue_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    taken, sent, acknowledged = 0, 0, set[int]()
    on_the_way: list[int] = []
    with ExitStack() as at_end:
        spool = at_end.enter_context(closing(Spool(folder, LIMIT)))
        for step in steps:
            match step:
                case "append" if spool.append(record(taken, 1_500)):
                    taken += 1
                case "send" if (unsent := spool.next_unsent()) is not None:
                    assert unsent == (sent, record(sent, 1_500))
                    spool.mark_sent()
                    on_the_way.append(sent)
                    sent += 1
                case "acknowledge" if on_the_way:
                    number = on_the_way.pop(data.draw(st.integers(0, len(on_the_way) - 1)))
                    acknowledged.add(number)
                    spool.acknowledge(number)
                    assert len(spool) == taken - len(acknowledged)
                case "reopen":
                    spool.close()
                    spool = at_end.enter_context(closing(Spool(folder, LIMIT)))
                    sent = next(n for n in range(taken + 1) if n not in acknowledged)
                    acknowledged, on_the_way = set(range(sent)), []


@pytest.mark.parametrize("torn", [b"", b"\x10\x00"])
def test_segment_of_a_process_that_died_before_its_first_record_costs_no_record(
    opened: Callable[[], Spool], tmp_path: Path, torn: bytes
) -> None:
    opened()
    (tmp_path / "spool" / f"{0:020d}.spool").write_bytes(torn)
    spool = opened()
    for number in range(3):
        assert spool.append(record(number))
    spool.acknowledge(0)
    assert [number for number, _ in taken_out(opened())] == [1, 2]


def test_segment_of_a_process_that_died_before_it_removed_it_is_removed_by_the_next(
    opened: Callable[[], Spool], tmp_path: Path
) -> None:
    spool = opened()
    spool.append(record(0))
    path = tmp_path / "spool" / f"{0:020d}.spool"
    left = path.read_bytes()
    spool.acknowledge(0)
    path.write_bytes(left)
    spool = opened()
    assert segments(tmp_path) == []
    spool.append(record(1))
    assert taken_out(spool) == [(1, record(1))]
