"""A small table for each test to damage."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.unit.read.proof.tables import TableBuilder


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., TableBuilder]:
    """Makes a table with the given start positions."""

    def make(starts: Mapping[int, int] | None = None, **properties: str) -> TableBuilder:
        return TableBuilder(tmp_path, starts or {0: 0, 1: 0}, **properties)

    return make


@pytest.fixture
def table(build: Callable[..., TableBuilder]) -> TableBuilder:
    """A table of two partitions with three commits: rows, two rejects, a gap."""
    made = build()
    made.land({0: (0, 100), 1: (0, 50)})
    made.land({0: (100, 200)}, rejects={0: [110, 111]}, gaps={0: [(150, 153)]})
    made.land({0: (200, 260), 1: (50, 90)})
    return made


@pytest.fixture
def lake(table: TableBuilder, monkeypatch: pytest.MonkeyPatch) -> TableBuilder:
    """That table as the lake that commands look at, without a cluster."""
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(table.root))
    monkeypatch.chdir(table.root)
    monkeypatch.delenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    return table
