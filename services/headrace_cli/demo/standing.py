"""How the positions stand, as one line of the screen. No I/O."""

from dataclasses import dataclass
from decimal import Decimal

from rich.text import Text


@dataclass(frozen=True, slots=True)
class Standing:
    """The rows of the table of positions.

    Attributes:
        open: strategies that hold something.
        closed: strategies that hold nothing now.
        realized: profit of all that was closed, currency units.
        newest: the position that changed last, in words.
    """

    open: int
    closed: int
    realized: Decimal
    newest: str


def positions_view(standing: Standing, width: int | None = None) -> Text:
    """One line of `width` columns; None for as many as it takes."""
    counts = f"{standing.open:,} open, {standing.closed:,} closed, realized {standing.realized:,.2f}"
    said = Text.assemble(("rows of positions: ", "dim"), (counts, "cyan"))
    newest = f"  {standing.newest}"
    fits = width is None or said.cell_len + len(newest) <= width
    return said.append(newest, "dim") if fits else said
