"""Looks at tables and processes while the demo runs, and keeps the scene that the screen shows."""

from collections.abc import Mapping
from datetime import datetime

from headrace.clock import SystemClock
from headrace_cli.demo.actors import Actor, Entry
from headrace_cli.demo.latest import PositionsWatch
from headrace_cli.demo.maintainer import NAME as MAINTAINER
from headrace_cli.demo.maintainer import MaintainerStory
from headrace_cli.demo.pace import Pace
from headrace_cli.demo.screen import Screen
from headrace_cli.demo.status import TableStatus, TableWatch
from headrace_cli.demo.story import Story, Tone
from headrace_cli.demo.view import Act, Programme, Scene, TableLine

# A look at the tables asks the broker sixteen times, and reads the rows of one; a drawing costs about 10 ms.
_LOOK_SECONDS = 0.5
_DRAW_SECONDS = 0.2
_SHOWN_SECONDS = 60


class Observer:
    """One thread uses it; `look` as often as you like, what is due is done.

    Args:
        story: what happens is told to it.
        actors: the workers by name, and the maintenance worker.
        watches: of the tables, by name.
        screen: shows the scene.
        latest: of the table of positions.
        programme: what is known beforehand.
    """

    def __init__(
        self,
        story: Story,
        actors: Mapping[str, Actor],
        watches: Mapping[str, TableWatch],
        screen: Screen,
        *,
        latest: PositionsWatch,
        programme: Programme,
    ) -> None:
        self.story = story
        self.act = Act.START
        self.maintainer = MaintainerStory(story)
        self._actors = actors
        self._watches = watches
        self._screen = screen
        self._latest = latest
        self._programme = programme
        self._clock = SystemClock()
        self._began = self._clock.now()
        self._paces = {name: Pace() for name in watches}
        self._statuses: dict[str, TableStatus] = {}
        self._looked_at = self._drawn_at = float("-inf")
        self._told = 0

    @property
    def seconds(self) -> float:
        """Since the demo began, by the clock that the workers' logs show."""
        return (self._clock.now() - self._began).total_seconds()

    @property
    def durable(self) -> int:
        """Rows in all tables."""
        return sum(status.durable for status in self._statuses.values())

    @property
    def complete(self) -> bool:
        """Whether the tables have all that the topics have."""
        return len(self._statuses) == len(self._watches) and all(s.lag == 0 for s in self._statuses.values())

    def look(self, *, everything: bool = False) -> None:
        """Listens to all processes, looks at the tables, and draws; `everything` if it is not due, too."""
        for name, actor in self._actors.items():
            for entry in actor.news():
                if name == MAINTAINER:
                    self.maintainer.heard(entry, self._time_of(entry))
                else:
                    self.story.heard(name, entry, self._time_of(entry))
        if everything or self.seconds - self._looked_at >= _LOOK_SECONDS:
            self._look_at_tables()
        untold = self.story.happenings[self._told :]
        for happening in untold:
            self._screen.tell(happening)
        self._told = len(self.story.happenings)
        # An act is drawn before what follows from it can push it off a small screen.
        acted = any(happening.tone is Tone.ACT for happening in untold)
        if everything or acted or self.seconds - self._drawn_at >= _DRAW_SECONDS:
            self._drawn_at = self.seconds
            self._screen.show(self.scene())

    def scene(self) -> Scene:
        """Everything as it was last seen."""
        return Scene(
            programme=self._programme,
            seconds=self.seconds,
            act=self.act,
            tables=[self._line(name) for name in self._watches],
            positions=self._latest.standing,
            workers=list(self.story.workers.values()),
            maintainer=self.maintainer.state,
            happenings=list(self.story.happenings),
        )

    def _look_at_tables(self) -> None:
        self._looked_at = self.seconds
        for name, watch in self._watches.items():
            status = watch.status()
            if status is not None:
                self._statuses[name] = status
                self._paces[name].add(self.seconds, status)
        self._latest.look()

    def _line(self, name: str) -> TableLine:
        status, pace = self._statuses.get(name), self._paces[name]
        if status is None:
            return TableLine(name)
        return TableLine(
            table=name,
            records=status.records,
            durable=status.durable,
            quarantined=status.quarantined,
            lag=status.lag,
            behind=pace.behind(),
            commits=status.commits,
            came=status.debt.came,
            files=status.debt.files,
            rate=pace.rate(),
            rates=pace.rates(_SHOWN_SECONDS),
            partitions=len(status.ends),
        )

    def _time_of(self, entry: Entry) -> float:
        logged = datetime.fromisoformat(str(entry.get("timestamp")))
        return (logged - self._began).total_seconds()
