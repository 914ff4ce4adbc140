"""Which files are rewritten with a batch."""

import random

from headrace.lake.latest.merging import MANY, MOST, SMALL, Piece, rewritten


def pieces(*live: int, touched: bool = False, deleted: int = 0) -> list[Piece]:
    return [Piece(f"{number}", count, deleted, touched) for number, count in enumerate(live)]


def test_small_files_that_change_are_rewritten_and_large_ones_are_not() -> None:
    assert rewritten(pieces(SMALL, touched=True), 10) == {"0"}
    assert rewritten(pieces(SMALL + 1, touched=True), 10) == set()
    assert rewritten(pieces(10), 10) == set()


def test_a_file_of_which_half_is_deleted_is_rewritten() -> None:
    assert rewritten([Piece("a", 50_000, 50_000, True), Piece("b", 50_001, 50_000, True)], 10) == {"a"}


def test_a_file_without_live_rows_is_not_read() -> None:
    assert rewritten([Piece("a", 0, 10, True)], 10) == set()


def test_many_files_of_like_size_become_one() -> None:
    assert rewritten(pieces(*[10] * (MANY - 1)), 10) == set()
    assert len(rewritten(pieces(*[10] * MANY), 10)) == MANY


def test_no_rewrite_is_larger_than_the_limit() -> None:
    assert rewritten([Piece("a", MOST, MOST, True)], 1) == set()
    dice = random.Random(1)
    for _ in range(200):
        files = [
            Piece(str(n), dice.randrange(MOST), dice.randrange(MOST), dice.random() < 0.5)
            for n in range(dice.randrange(40))
        ]
        incoming = dice.randrange(2 * MOST)
        chosen = rewritten(files, incoming)
        assert not chosen or incoming + sum(piece.live for piece in files if piece.path in chosen) <= MOST


def test_a_row_is_copied_few_times_while_a_table_grows() -> None:
    files, copied, written, batch = list[Piece](), 0, 0, 100
    for number in range(3_000):
        chosen = rewritten(files, batch)
        live = batch + sum(piece.live for piece in files if piece.path in chosen)
        files = [piece for piece in files if piece.path not in chosen] + [Piece(f"f{number}", live, 0, False)]
        copied, written = copied + live, written + batch
    assert copied < 6 * written
    assert len(files) < 4 * MANY
