"""The ledger as producers leave it behind."""

import json
from pathlib import Path

import pytest
from pyroaring import BitMap64

from headrace.errors import ConfigError
from headrace.read.proof.digests import TOMBSTONE, BlockSums, digest
from headrace.read.proof.ledger import Ledger
from headrace.read.proof.truth import Expected, Survey


def line(partition: int, offset: int, value: bytes | None, topic: str = "trades") -> str:
    noted = "null" if value is None else digest(value).hex()
    return json.dumps({"topic": topic, "partition": partition, "offset": offset, "digest": noted}) + "\n"


def survey(path: Path, expected: dict[int, Expected]) -> list[Survey]:
    return list(Ledger(path, "trades").survey(expected, lambda _stage, _done, _total: None))


def holding(position: int, **values: bytes) -> Expected:
    sums = BlockSums()
    sums.add_values([int(name[1:]) for name in values], values.values())
    return Expected(0, position, BitMap64(), sums)


def test_all_files_of_a_folder_count(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line(0, 0, b"x") + line(0, 5, b"z") + line(0, 7, b"other", topic="greeks"))
    (tmp_path / "b.jsonl").write_text(line(0, 1, b"y") + line(3, 0, b"w"))
    (tmp_path / "notes.txt").write_text("not a ledger")

    first, second = survey(tmp_path, {0: holding(4, o0=b"x", o1=b"y")})

    assert (list(first.seen), first.behind, first.differing) == ([0, 1], 1, ())
    assert (second.partition, list(second.seen), second.behind) == (3, [], 1)


def test_a_differing_block_is_resolved_to_its_records(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line(0, 0, b"x") + line(0, 1, None) + line(0, 9_000, b"far"))

    found = survey(tmp_path, {0: holding(9_001, o0=b"X", o9000=b"far")})[0]

    assert found.differing == (0,)
    wanted = {0: frozenset({digest(b"x")}), 1: frozenset({TOMBSTONE})}
    assert Ledger(tmp_path, "trades").digests(0, {0}, 9_001) == wanted


def test_a_torn_last_line_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line(0, 0, b"x") + line(0, 1, b"y")[:-9])

    found = survey(tmp_path, {0: holding(4, o0=b"x")})[0]

    assert list(found.seen) == [0]
    assert "torn line" in found.remarks[0]


def test_an_offset_named_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line(0, 0, b"x") * 2)

    assert "more than once" in survey(tmp_path, {0: holding(4, o0=b"x")})[0].remarks[0]


def test_records_before_the_tables_start_are_none_of_its_business(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(line(0, 0, b"x") + line(0, 8, b"y"))

    found = survey(tmp_path, {0: Expected(5, 10, BitMap64(), None)})[0]

    assert (list(found.seen), found.comparable_from) == ([8], 5)


@pytest.mark.parametrize("text", ["nonsense\n", '{"topic": "trades"}\n', '{"topic": "trades", "partition": "0"}\n'])
def test_what_is_no_ledger_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)

    with pytest.raises(ConfigError, match="is no ledger"):
        survey(tmp_path, {})


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a"):
        Ledger(tmp_path, "trades")
