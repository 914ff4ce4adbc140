"""A change of columns touches no row and no position, and leaves the columns that rows have."""

from collections.abc import Iterator, Mapping

from headrace.read.proof.actions import Commit


def column_faults(commit: Commit, before: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a commit that says it changes columns, in words.

    Args:
        commit: it.
        before: type by name of the columns that the table had.
    """
    if commit.adds or commit.removes or commit.txns:
        yield "a change of columns brought or took rows, or moved positions"
    lost = sorted(name for name, kind in before.items() if commit.columns.get(name) != kind)
    if lost:
        yield f"columns {', '.join(lost)} are gone or of another type, and rows that are there have them"
