import os
import sys

import psutil
import pytest

from headrace.lake import allocators


def test_memory_between_what_is_still_held_goes_back() -> None:
    if sys.platform != "linux":
        pytest.skip("of glibc alone")
    # Small enough to lie on the heap, and every hundredth of them stays.
    taken = [bytearray(b"x" * 100_000) for _ in range(1_000)]
    held = taken[::100]
    resident = psutil.Process().memory_info
    before = resident().rss
    del taken
    allocators.give_back()
    assert before - resident().rss > 50 * 2**20
    assert all(len(one) == 100_000 for one in held)


def test_what_somebody_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RJEM_MALLOC_CONF", "narenas:2")
    allocators.keep_little()
    assert os.environ["_RJEM_MALLOC_CONF"] == "narenas:2"
