from collections.abc import Iterator

from headrace.sections import MIB
from headrace_ingest.resident import ResidentMemory


class _Process:
    """Of so many resident MiB, some of which lie free."""

    def __init__(self, resident: int, free: int = 0) -> None:
        self.resident, self.free, self.asked = resident, free, 0

    def read(self) -> int:
        return self.resident * MIB

    def give_back(self) -> None:
        self.asked += 1
        self.resident -= self.free
        self.free = 0


def _memory(process: _Process) -> ResidentMemory:
    return ResidentMemory(process.read, process.give_back, enough=460 * MIB)


def _grown(process: _Process, memory: ResidentMemory, *sizes: int) -> Iterator[int]:
    for size in sizes:
        process.resident = size
        yield memory() // MIB


def test_up_to_enough_nothing_is_asked_back() -> None:
    process = _Process(460, free=100)
    assert (_memory(process)(), process.asked) == (460 * MIB, 0)


def test_beyond_it_what_counts_is_what_is_left_when_the_free_was_given_back() -> None:
    process = _Process(470, free=50)
    assert (_memory(process)(), process.asked) == (420 * MIB, 1)


def test_what_is_in_use_is_not_asked_for_again_before_it_has_grown() -> None:
    process = _Process(470)
    assert list(_grown(process, _memory(process), 470, 480, 493, 494)) == [470, 480, 493, 494]
    assert process.asked == 2


def test_what_fell_in_between_and_rose_again_is_asked_for_by_then() -> None:
    process = _Process(500)
    memory = _memory(process)
    memory()
    process.resident = 300
    memory()
    process.resident, process.free = 470, 60
    assert memory() == 410 * MIB
