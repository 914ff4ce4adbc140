"""Standard output for people."""

from rich.console import Console

# Where there is no terminal to ask for its width, every table fits into this.
_PIPE_COLUMNS = 120


def wide_console() -> Console:
    """As wide as the terminal, or wide enough."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=_PIPE_COLUMNS)
