"""Which files of one partition are rewritten together with a batch: a pure rule.

Marking a row as deleted costs a few bytes whatever the size of its file, so most files only get another vector. Three
kinds are rewritten, so that neither files nor deleted rows pile up: small files that change anyway, files of which
half is deleted, and small files when there are many of them. A row is rewritten a few times in its life. Files whose
vectors some readers do not see are rewritten whenever they change.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

SMALL = 4_096
"""Rows that are rewritten as fast as a deletion vector is written."""

MANY = 8
"""Files of like size that become one: as many as the times that a row is copied grow by one."""

MOST = 131_072
"""Rows of one rewrite: a row group, some half a second."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file as the batch leaves it.

    Attributes:
        path: relative to the table.
        live: rows that stay.
        deleted: rows that are gone, those of the batch among them.
        touched: whether the batch deletes some.
        maskable: whether every reader sees its deletion vector.
    """

    path: str
    live: int
    deleted: int
    touched: bool
    maskable: bool = True


def rewritten(pieces: Sequence[Piece], incoming: int) -> Collection[str]:
    """Paths of the files to be rewritten into the batch's own; those with no live row left are not among them.

    Args:
        pieces: the files of the partition.
        incoming: rows that the batch brings to it.
    """
    alive = sorted((piece for piece in pieces if piece.live), key=lambda piece: piece.live)
    chosen = [piece for piece in alive if piece.touched and not piece.maskable]
    room = MOST - incoming - sum(piece.live for piece in chosen)
    for piece in alive:
        if (
            piece.touched
            and piece.maskable
            and (piece.live <= SMALL or piece.deleted >= piece.live)
            and piece.live <= room
        ):
            chosen.append(piece)
            room -= piece.live
    rest = [piece for piece in alive if piece not in chosen]
    while len(like := [piece for piece in rest if piece.live <= max(SMALL, MOST - room)]) >= MANY:
        fitting = like[:MANY]
        if sum(piece.live for piece in fitting) > room:
            break
        chosen += fitting
        room -= sum(piece.live for piece in fitting)
        rest = [piece for piece in rest if piece not in fitting]
    return {piece.path for piece in chosen}
