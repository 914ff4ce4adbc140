"""The terminal: a screen of its own, keys as they are pressed, and everything put back at the end."""

import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.live import Live

from headrace_cli.top.chosen import Chosen, keys_of, pressed
from headrace_cli.top.view import Board, board_view

_KEYS_READ = 1024


def can_draw() -> bool:
    """Whether somebody sees what is drawn, and can press keys."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not Console().is_dumb_terminal


def show(first: Board, look: Callable[[], Board], every: float) -> None:
    """Draws until somebody quits, by a key, Ctrl-C or SIGTERM.

    Args:
        first: what is drawn at once.
        look: gives the next one; called on a thread of its own, so that keys never wait for it.
        every: seconds between two looks.
    """
    chosen: Chosen | None = Chosen()
    stopping = threading.Event()
    console = Console(highlight=False)
    with ExitStack() as undoing:
        woken, wake = os.pipe()  # `wake` stays open: the thread may still write to it
        undoing.callback(os.close, woken)
        undoing.enter_context(_signals(wake, stopping))
        undoing.enter_context(_single_keys(sys.stdin.fileno()))
        live = undoing.enter_context(Live(console=console, screen=True, auto_refresh=False))
        boards = _Boards(first, look, wake)
        threading.Thread(target=boards.renew, args=(every, stopping), name="headrace-top", daemon=True).start()
        while chosen is not None and not stopping.is_set():
            board = boards.newest()
            width, height = console.size
            live.update(board_view(board, chosen, width=width, height=height), refresh=True)
            for key in _wait(woken):
                chosen = pressed(chosen, key, len(board.tables))
                if chosen is None:
                    break
        stopping.set()


class _Boards:
    """The newest board, renewed on a thread of its own; whoever is told by a byte in `wake` may ask for it."""

    def __init__(self, first: Board, look: Callable[[], Board], wake: int) -> None:
        self._board: Board | Exception = first
        self._look = look
        self._wake = wake

    def newest(self) -> Board:
        """Raises what looking raised."""
        board = self._board
        if isinstance(board, Exception):
            raise board
        return board

    def renew(self, every: float, stopping: threading.Event) -> None:
        while not stopping.wait(every) and not isinstance(self._board, Exception):
            try:
                self._board = self._look()
            except Exception as failure:
                self._board = failure
            os.write(self._wake, b"\0")


def _wait(woken: int) -> list[str]:
    """Keys that were pressed; none where there is something else to draw."""
    stdin = sys.stdin.fileno()
    ready, _, _ = select.select([stdin, woken], [], [])
    if woken in ready:
        os.read(woken, _KEYS_READ)
    if stdin not in ready:
        return []
    typed = os.read(stdin, _KEYS_READ)
    return keys_of(typed.decode(errors="ignore")) if typed else ["quit"]


@contextmanager
def _signals(wake: int, stopping: threading.Event) -> Iterator[None]:
    """Ends on SIGINT and SIGTERM, and draws anew when the terminal has another size."""
    os.set_blocking(wake, False)

    def stop(_number: int, _frame: object) -> None:
        stopping.set()

    def redraw(_number: int, _frame: object) -> None:
        pass  # the byte that the interpreter writes wakes the loop

    handlers = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGWINCH: redraw}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    written = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(written)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _single_keys(terminal: int) -> Iterator[None]:
    """Keys come as they are pressed and are not shown. Ctrl-Z does nothing: it would leave a torn screen."""
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    mode = termios.tcgetattr(terminal)
    mode[6][termios.VSUSP] = b"\0"
    termios.tcsetattr(terminal, termios.TCSADRAIN, mode)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
