"""Which tables a lake has, and which of them has lost a half."""

import shutil
from pathlib import Path

import pytest

from headrace.errors import ConfigError, WrongTableError
from headrace.lake.listing import chosen_tables, headrace_tables, lost_half, refuse_half
from headrace.testing.numbers import NumbersTable

QUARANTINE = "numbers__quarantine"


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0})


def test_a_table_with_its_quarantine_has_lost_nothing(table: NumbersTable) -> None:
    assert headrace_tables(table.store) == ("numbers",)
    assert lost_half(table.store, "numbers") is None


@pytest.mark.parametrize("lost", ["numbers", QUARANTINE])
def test_a_table_that_lost_a_half_is_listed_and_refused(table: NumbersTable, tmp_path: Path, lost: str) -> None:
    table.claim([0])
    shutil.rmtree(tmp_path / lost)

    assert headrace_tables(table.store) == chosen_tables(table.store, ["numbers"]) == ("numbers",)
    with pytest.raises(WrongTableError, match=f"/{lost} is gone and .* is there.*Restore both from one backup"):
        refuse_half(table.store, "numbers")


def test_a_quarantine_without_a_commit_is_what_an_interrupted_first_start_left(
    table: NumbersTable, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "numbers")

    assert headrace_tables(table.store) == ()
    refuse_half(table.store, "numbers")


@pytest.mark.parametrize("torn", ["numbers", QUARANTINE])
def test_what_cannot_be_opened_is_there(table: NumbersTable, tmp_path: Path, torn: str) -> None:
    (tmp_path / torn / "_delta_log" / f"{0:020d}.json").write_bytes(b"\0" * 100)
    assert lost_half(table.store, "numbers") is None

    shutil.rmtree(tmp_path / (QUARANTINE if torn == "numbers" else "numbers"))
    assert headrace_tables(table.store) == ("numbers",)
    assert lost_half(table.store, "numbers") is not None


def test_a_quarantine_is_no_table(table: NumbersTable) -> None:
    with pytest.raises(ConfigError, match="numbers__quarantine is the quarantine of numbers: name numbers"):
        chosen_tables(table.store, [QUARANTINE])
