import errno
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.errors import AccessDeniedError, StoreError, TableDamagedError
from headrace.lake.damage import telling_of


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    path = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"number": list(range(10_000)), "name": [str(number) for number in range(10_000)]}), path)
    return path.read_bytes()


@pytest.mark.parametrize("kept", [0, 3, 0.1, 0.5, 0.999])
def test_a_file_that_was_cut_short_is_named_with_what_to_do(whole: bytes, tmp_path: Path, kept: float) -> None:
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    said = "^trades/cut.parquet is not what the log says it is: .*Put the file back from a backup.*headrace verify"
    with pytest.raises(TableDamagedError, match=said), telling_of("trades/cut.parquet"), cut.open("rb") as source:
        pq.ParquetFile(source).read()


def test_a_file_with_other_bytes_in_its_middle_is_told(whole: bytes, tmp_path: Path) -> None:
    changed = tmp_path / "changed.parquet"
    changed.write_bytes(whole[:50] + b"\xff" * 200 + whole[250:])
    with pytest.raises(TableDamagedError, match="changed"), telling_of("changed"), changed.open("rb") as source:
        pq.ParquetFile(source).read()


def test_what_the_system_says_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="trades/x is gone"), telling_of("trades/x"):
        (tmp_path / "x").open("rb")
    with pytest.raises(AccessDeniedError, match="reading trades/x failed"), telling_of("trades/x"):
        raise PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(MemoryError), telling_of("trades/x"):
        raise pa.ArrowMemoryError
