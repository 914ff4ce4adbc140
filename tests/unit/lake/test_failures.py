import errno
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError

from headrace.errors import AccessDeniedError, HeadraceError, PositionLostError, StoreError
from headrace.lake.failures import is_conflict, said, store_failure
from headrace.lake.store import Store
from headrace.testing.disk import file_size_limit


def test_our_own_failures_pass_unchanged() -> None:
    ours = PositionLostError("x")
    assert store_failure(ours, "doing something") is ours


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StoreError, "The disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), StoreError, "The disk is full"),
        (OSError("Generic error: No space left on device (os error 28)"), StoreError, "The disk is full"),
        (DeltaError("Generic\n \x1b[31m↳\x1b[0m No space left (os error 28)\n"), StoreError, "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), AccessDeniedError, "give this process the right"),
        (OSError("Permission denied (os error 1)"), AccessDeniedError, "give this process the right"),
        (OSError(errno.EROFS, "Read-only file system"), AccessDeniedError, "give this process the right"),
        (OSError("Input/output error (os error 5)"), StoreError, "Nothing was lost"),
        (DeltaError("Kernel error: no such thing."), StoreError, "no such thing. Nothing was lost"),
        (ValueError(), StoreError, "writing x failed: ValueError. Nothing was lost"),
    ],
)
def test_cause_decides_what_to_do(error: Exception, kind: type[HeadraceError], said: str) -> None:
    failure = store_failure(error, "writing x")
    assert type(failure) is kind
    assert said in str(failure)
    assert str(failure).startswith("writing x failed: ")


def test_causes_that_deltalake_lists_become_one_line(tmp_path: Path) -> None:
    schema = Schema.from_arrow(pa.schema([("x", pa.int64())]))
    table = DeltaTable.create(tmp_path / "t", schema)
    with file_size_limit(10_000), pytest.raises(OSError, match="os error 27") as caught:
        table.create_write_transaction(
            [], "append", schema, commit_properties=CommitProperties(custom_metadata={"x": "x" * 20_000})
        )
    text = str(store_failure(caught.value, "committing"))
    assert "failed: Generic LocalFileSystem error: Unable to copy data to file: File too large (os error 27). " in text
    assert text.isprintable()


def test_values_that_obstore_dumps_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Not a directory \(os error 20\)\. Nothing was lost") as caught:
        Store(str(tmp_path)).put("file/x", b"")
    assert "Debug source" not in str(caught.value)


def test_dumps_of_the_kernel_are_left_out() -> None:
    traced = DeltaError(
        "Kernel error: Json error: Truncated\n   0: <unknown>\n  12: start_thread\n   at ./nptl/x.c:4\n"
    )
    assert said(traced) == "Kernel error: Json error: Truncated"
    one = 'ParsedLogPath {{ location: FileMeta {{ size: 2 }}, filename: "{}.json", version: 2, file_type: {} }}'
    parts = "MultiPartCheckpoint { part_num: 1, num_parts: 2 }"
    gap = DeltaError(f"found gap: {one.format(2, 'Commit')} -> {one.format(4, parts)}")
    assert said(gap) == "found gap: 2.json -> 4.json"


def test_only_a_refused_commit_is_a_conflict() -> None:
    assert is_conflict(CommitFailedError("Concurrent transaction failed"))
    assert not is_conflict(DeltaError("Concurrent transaction failed"))
    assert not is_conflict(OSError())
