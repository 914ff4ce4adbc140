"""Standard output for people."""

from rich.console import Console

# The widest table, that of a proof, fits; a narrower terminal wraps it instead of cutting numbers.
_LEAST_COLUMNS = 120


def wide_console() -> Console:
    """As wide as the terminal, and never so narrow that a table loses something."""
    return Console(highlight=False, soft_wrap=True, width=max(_LEAST_COLUMNS, Console().width))
