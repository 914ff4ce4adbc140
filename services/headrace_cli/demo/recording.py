"""Keeps what the demo shows, and makes a film of it."""

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType
from rich.segment import Segment

from headrace_cli.demo.film import Frame, film
from headrace_cli.demo.view import Act, Scene, scene_view

_WIDTH, _HEIGHT = 100, 28
# Seconds of the play between two pictures, while nothing has come and later; a picture stands for _STEP_SECONDS.
_IDLE_SECONDS, _STEP_SECONDS = 4.0, 1.0
# How many seconds of the play pass in one of the film.
_SPEED = 3.5
# What is printed at the end is shown long enough to be read.
_READING_SECONDS, _READING_SECONDS_PER_LINE = 0.6, 0.22
_LAST_SECONDS = 4.0


class Recording:
    """What was shown, in order."""

    def __init__(self) -> None:
        self._console = Console(
            file=StringIO(), width=_WIDTH, height=_HEIGHT, force_terminal=True, color_system="truecolor"
        )
        self._frames: list[Frame] = []
        self._printed: list[Sequence[Segment]] = []
        self._last: Scene | None = None
        self._poster = 0

    def show(self, scene: Scene) -> None:
        """Takes a scene, if it is time for the next picture or another act."""
        last = self._last
        step = _STEP_SECONDS if any(line.records for line in scene.tables) else _IDLE_SECONDS
        if last is not None and scene.act is last.act and scene.seconds - last.seconds < step:
            return
        self._last = scene
        if scene.act is Act.FREEZE:
            self._poster = len(self._frames)
        lines = self._lines(scene_view(scene, width=_WIDTH, height=_HEIGHT))
        self._frames.append(Frame(lines, _STEP_SECONDS / _SPEED))

    def print(self, what: RenderableType) -> None:
        """Takes what is printed after the play: it rolls up as on a terminal."""
        lines = self._lines(what)
        self._printed += lines
        reading = _READING_SECONDS + _READING_SECONDS_PER_LINE * len(lines)
        self._frames.append(Frame(self._printed[-_HEIGHT:], reading))

    def save(self, path: Path) -> None:
        """Writes the film."""
        *others, last = self._frames
        frames = [*others, replace(last, seconds=last.seconds + _LAST_SECONDS)]
        path.write_text(film(frames, width=_WIDTH, height=_HEIGHT, poster=self._poster))

    def _lines(self, what: RenderableType) -> list[list[Segment]]:
        return self._console.render_lines(what, pad=False)
