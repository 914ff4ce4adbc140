"""Block sums do not depend on order and see every difference."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.read.proof.digests import BLOCK, TOMBSTONE, BlockSums, block_of, differing_blocks, digest, sum_of

RECORDS = st.dictionaries(st.integers(0, 4 * BLOCK), st.binary(max_size=8), max_size=30)


def sums(records: dict[int, bytes]) -> BlockSums:
    made = BlockSums()
    made.add_values(records, records.values())
    return made


@given(RECORDS, st.randoms())
def test_order_and_path_do_not_matter(records: dict[int, bytes], random: object) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    one_by_one = BlockSums()
    for offset in shuffled:
        one_by_one.add_digest(offset, digest(records[offset]))

    assert differing_blocks(sums(records), one_by_one) == []
    for block in one_by_one.blocks():
        here = {offset: digest(value) for offset, value in records.items() if block_of(offset) == block}
        assert sum_of(here) == one_by_one.of(block)


@given(RECORDS, st.data())
def test_a_changed_record_changes_its_block_alone(records: dict[int, bytes], data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, 4 * BLOCK))
    changed = {**records, offset: records.get(offset, b"") + b"!"}

    assert differing_blocks(sums(records), sums(changed)) == [block_of(offset)]


@given(RECORDS, st.data())
def test_two_swapped_values_differ(records: dict[int, bytes], data: st.DataObject) -> None:
    both = {1: b"one", 2: b"two", **records}
    first, second = data.draw(st.permutations(sorted(both)))[:2]
    swapped = {**both, first: both[second], second: both[first]}

    assert (differing_blocks(sums(both), sums(swapped)) == []) is (both[first] == both[second])


def test_no_value_is_neither_an_empty_one_nor_its_name() -> None:
    assert digest(None) == TOMBSTONE
    assert digest(b"") != TOMBSTONE != digest(b"null")
