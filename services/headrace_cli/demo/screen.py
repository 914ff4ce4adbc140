"""Where the demo prints: a screen that is redrawn on a terminal, one line a change elsewhere."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from headrace_cli.demo.recording import Recording
from headrace_cli.demo.standing import positions_view
from headrace_cli.demo.story import Happening, Tone
from headrace_cli.demo.view import LEAST_HEIGHT, LEAST_WIDTH, Scene, TableLine, scene_view

# Without a terminal a line every few seconds is enough to see that it moves.
_PLAIN_SECONDS = 5.0


class Screen:
    """Where the demo prints; a context manager.

    On a terminal the scene fills a screen of its own, and what was there before comes back when it ends, however it
    ends.

    Args:
        plain: never redraw, also on a terminal.
        recording: keeps what is shown, whether there is a terminal or not.
    """

    def __init__(self, *, plain: bool, recording: Recording | None = None) -> None:
        self._recording = recording
        self.console = Console(highlight=False)
        self._live = (
            None
            if plain or not _can_redraw(self.console)
            else Live(console=self.console, screen=True, auto_refresh=False)
        )
        self._scene: Scene | None = None
        self._printed_at = float("-inf")
        self._printed: Sequence[TableLine] = ()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle()

    def settle(self) -> None:
        """Ends the redrawing: all that has happened is printed, and what follows below it."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()
            if self._scene is not None:
                self.console.print(scene_view(self._scene, width=self.console.width, height=None))

    def print(self, what: RenderableType) -> None:
        """Prints below everything else."""
        self.console.print(what)
        if self._recording is not None:
            self._recording.print(what)

    def tell(self, happening: Happening) -> None:
        """Something has happened; on a terminal the next scene shows it."""
        if self._live is None:
            style = "" if happening.tone is Tone.NOTE else "bold"
            self.console.print(f"{happening.at:6.1f} s  {happening.text}", style=style, markup=False, soft_wrap=True)

    def show(self, scene: Scene) -> None:
        """Where everything stands."""
        self._scene = scene
        if self._recording is not None:
            self._recording.show(scene)
        if self._live is not None:
            width, height = self.console.size
            self._live.update(scene_view(scene, width=width, height=height), refresh=True)
            return
        if (
            scene.seconds - self._printed_at < _PLAIN_SECONDS
            or list(scene.tables) == list(self._printed)
            or not any(line.records for line in scene.tables)
        ):
            return
        self._printed_at, self._printed = scene.seconds, scene.tables
        for line in scene.tables:
            self.console.print(f"{scene.seconds:6.1f} s  {_plain(line)}", markup=False, soft_wrap=True)
        if scene.positions is not None:
            said = positions_view(scene.positions).plain
            self.console.print(f"{scene.seconds:6.1f} s  {said}", markup=False, soft_wrap=True)


def _can_redraw(console: Console) -> bool:
    width, height = console.size
    # rich takes a pipe for a terminal where FORCE_COLOR is set; a log is no place for redrawing.
    drawable = console.is_interactive and console.file.isatty() and console.encoding.startswith("utf")
    return drawable and width >= LEAST_WIDTH and height >= LEAST_HEIGHT


def _plain(line: TableLine) -> str:
    return (
        f"{line.table:<9} records {line.records:>9,}  rows durable {line.durable:>9,}  "
        f"quarantined {line.quarantined:>5,}  lag {line.lag:>7,}  commits {line.commits:>5,}  "
        f"files {line.files:>3,} of {line.came:,}"
    )
