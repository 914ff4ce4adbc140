import pytest

from headrace_ingest.outcome import Mine, Outcome, Seen, decide

MINE = Mine(start=10, end=20, epoch=3)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen(10, 3), Outcome({}, frozenset({0}), {})),
        (Seen(10, 4), Outcome({}, frozenset(), {0: 10})),
        (Seen(20, 3), Outcome({}, frozenset(), {0: 20})),
        (Seen(15, 3), Outcome({}, frozenset(), {0: 15})),
        (Seen(5, 3), Outcome({}, frozenset(), {0: 5})),
    ],
    ids=["still ours", "claimed by another", "moved to our end by another", "moved into our range", "moved back"],
)
def test_nothing_landed(seen: Seen, expected: Outcome) -> None:
    assert decide({0: MINE}, {0: seen}, landed=False) == expected


@pytest.mark.parametrize("seen", [Seen(20, 3), Seen(35, 4)])
def test_what_landed_is_done_whoever_went_on_from_there(seen: Seen) -> None:
    assert decide({0: MINE}, {0: seen}, landed=True) == Outcome({0: 20}, frozenset(), {})


def test_each_partition_is_decided_by_itself() -> None:
    batch = {0: MINE, 1: Mine(0, 5, 1), 2: Mine(0, 5, 1)}
    seen = {0: Seen(12, 3), 1: Seen(0, 1), 2: Seen(0, 2)}
    assert decide(batch, seen, landed=False) == Outcome({}, frozenset({1}), {0: 12, 2: 0})
