"""What the workers do, told in plain words from what was done to them and from what they log. No I/O.

Times are seconds since the demo began.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from headrace_cli.demo.actors import Entry

# More of them would fill the screen.
_LISTED = 6


class State(StrEnum):
    """What a worker is doing."""

    STARTING = "starting"
    RUNNING = "running"
    KILLED = "killed"
    FROZEN = "frozen"
    WOKEN = "woken"
    FENCED = "fenced"
    STOPPING = "stopping"
    DRAINED = "drained"


class Tone(StrEnum):
    """How a happening is to be read."""

    NOTE = "note"
    ACT = "act"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the story."""

    at: float
    text: str
    tone: Tone = Tone.NOTE


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker, as far as it has been heard of.

    Attributes:
        name: of the worker; the process that replaces it bears it too.
        table: that it fills.
        pid: of the process.
        state: what it is doing.
        since: when that began.
        positions: the partitions that it believes to own, and up to where it has made each durable.
        rows: that it has committed.
        committed_at: when it last committed.
    """

    name: str
    table: str
    pid: int | None = None
    state: State = State.STARTING
    since: float = 0.0
    positions: Mapping[int, int] = field(default_factory=dict)
    rows: int = 0
    committed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Vacancy:
    """Partitions whose owner was killed or frozen, until somebody else commits to them.

    Attributes:
        worker: who owned them.
        table: of which they are partitions.
        deed: what was done to it.
        at: when.
        partitions: which.
        claimed: those that another process has claimed since.
        committed: whether it has committed to one of them.
    """

    worker: str
    table: str
    deed: str
    at: float
    partitions: frozenset[int]
    claimed: frozenset[int] = frozenset()
    committed: bool = False

    @property
    def open(self) -> frozenset[int]:
        """Those that nobody has claimed yet."""
        return self.partitions - self.claimed

    @property
    def filled(self) -> bool:
        """Whether all of it has a new owner that works."""
        return self.committed and not self.open


class Story:
    """All workers and all that has happened, in order.

    `started` to `stopping` are what the demo does to a worker, `heard` is what the worker says.

    Args:
        tables: which table each worker fills, by the worker's name.
    """

    def __init__(self, tables: Mapping[str, str]) -> None:
        self.workers = {name: WorkerState(name, table) for name, table in tables.items()}
        self.happenings: list[Happening] = []
        self.vacancy: Vacancy | None = None
        self._hear = {
            "assigned": self._assigned,
            "flush": self._flushed,
            "lost": self._lost,
            "revoked": self._revoked,
            "stopped": self._stopped,
        }

    def say(self, at: float, text: str, tone: Tone = Tone.NOTE) -> None:
        """Adds a line."""
        self.happenings.append(Happening(at, text, tone))

    def started(self, name: str, pid: int, at: float) -> None:
        """A process was started under that name."""
        self.workers[name] = replace(self.workers[name], pid=pid, state=State.STARTING, since=at)

    def killed(self, name: str, at: float) -> None:
        """It was sent SIGKILL."""
        worker = self._leave(name, "the kill", at)
        self.say(at, f"SIGKILL to {name} (pid {worker.pid}), owner of {_standing(worker.positions)}", Tone.ACT)
        self.workers[name] = replace(worker, state=State.KILLED, since=at, positions={})

    def frozen(self, name: str, at: float, *, file_written: bool) -> None:
        """It was sent SIGSTOP; `file_written` if it had written a data file that no commit names yet."""
        worker = self._leave(name, "the freeze", at)
        where = ", between writing a file and committing it" if file_written else ""
        self.say(at, f"SIGSTOP to {name} (pid {worker.pid}), owner of {_standing(worker.positions)}{where}", Tone.ACT)
        self.workers[name] = replace(worker, state=State.FROZEN, since=at)

    def woken(self, name: str, at: float) -> None:
        """It was sent SIGCONT."""
        worker = self._enter(name, State.WOKEN, at)
        self.say(
            at, f"SIGCONT to {name}: a zombie, which still believes to own {_standing(worker.positions)}", Tone.ACT
        )

    def stopping(self, name: str, at: float) -> None:
        """It was sent SIGTERM."""
        self._enter(name, State.STOPPING, at)

    def heard(self, name: str, entry: Entry, at: float) -> None:
        """It logged `entry`."""
        hear = self._hear.get(str(entry.get("event")))
        if hear is not None:
            hear(name, entry, at)

    def _assigned(self, name: str, entry: Entry, at: float) -> None:
        positions = _positions(entry, "positions")
        before = self.workers[name]
        self._enter(name, State.RUNNING, at, positions={**before.positions, **positions})
        vacancy = self._vacancy_of(name)
        claimed = {} if vacancy is None else {p: to for p, to in positions.items() if p in vacancy.open}
        if vacancy is not None and claimed:
            self.vacancy = replace(vacancy, claimed=vacancy.claimed | claimed.keys())
            who = f"{name}, started anew," if name == vacancy.worker else name
            self.say(
                at,
                f"{at - vacancy.at:.1f} s after {vacancy.deed} {who} claims {_named(claimed)} "
                f"and goes on from the table's positions, {_places(claimed)}",
            )
        elif before.state is State.FENCED:
            self.say(at, f"{name} is a worker like any other again: the group gives it {_standing(positions)}")

    def _flushed(self, name: str, entry: Entry, at: float) -> None:
        refused = _positions(entry, "dropped")
        if refused:
            self._refused(name, refused, at)
        if entry.get("version") is None:
            return
        worker, positions = self.workers[name], _positions(entry, "positions")
        self.workers[name] = replace(
            worker,
            positions={**worker.positions, **{p: to for p, to in positions.items() if p in worker.positions}},
            rows=worker.rows + _number(entry, "rows"),
            committed_at=at,
        )
        vacancy = self._vacancy_of(name)
        if vacancy is not None and not vacancy.committed and vacancy.claimed & positions.keys():
            self.vacancy = replace(vacancy, committed=True)
            waited = at - vacancy.at
            self.say(
                at,
                f"{waited:.1f} s after {vacancy.deed} {name} commits their next rows: version {entry['version']}",
                Tone.GOOD,
            )

    def _refused(self, name: str, found: Mapping[int, int], at: float) -> None:
        worker = self.workers[name]
        self._enter(name, State.FENCED, at, positions=_without(worker.positions, found))
        self.say(
            at,
            f"the Delta log refuses the commit of {name}: somebody else owns {_named(found)}, which by now stand at "
            f"{_places(found)}. None of its rows is in the table",
            Tone.GOOD,
        )

    def _lost(self, name: str, entry: Entry, at: float) -> None:
        partitions = _numbers(entry, "partitions")
        worker = self.workers[name]
        self._enter(name, State.FENCED, at, positions=_without(worker.positions, partitions))
        collected = _number(entry, "unflushed")
        held = f"the {collected:,} records it had collected are dropped" if collected else "it had collected nothing"
        self.say(at, f"the group tells {name} that {_named(partitions)} went to somebody else; {held}")

    def _revoked(self, name: str, entry: Entry, _at: float) -> None:
        worker = self.workers[name]
        left = _without(worker.positions, _numbers(entry, "partitions"))
        self.workers[name] = replace(worker, positions=left)

    def _stopped(self, name: str, _entry: Entry, at: float) -> None:
        self._enter(name, State.DRAINED, at)

    def _vacancy_of(self, name: str) -> Vacancy | None:
        """The vacancy, if it is one of the table that this worker fills."""
        vacancy = self.vacancy
        return vacancy if vacancy is not None and vacancy.table == self.workers[name].table else None

    def _leave(self, name: str, deed: str, at: float) -> WorkerState:
        worker = self.workers[name]
        self.vacancy = Vacancy(name, worker.table, deed, at, frozenset(worker.positions))
        return worker

    def _enter(self, name: str, state: State, at: float, *, positions: Mapping[int, int] | None = None) -> WorkerState:
        before = self.workers[name]
        # The last word of a worker that was told to stop is that it did.
        kept = before.state is State.STOPPING and state is not State.DRAINED
        since = before.since if kept or before.state is state else at
        self.workers[name] = replace(
            before,
            state=before.state if kept else state,
            since=since,
            positions=before.positions if positions is None else positions,
        )
        return self.workers[name]


def _positions(entry: Entry, key: str) -> dict[int, int]:
    """A mapping of partitions to positions; JSON has made the partitions texts."""
    found = entry.get(key)
    return {int(partition): position for partition, position in found.items()} if isinstance(found, dict) else {}


def _numbers(entry: Entry, key: str) -> list[int]:
    found = entry.get(key)
    return list(found) if isinstance(found, list) else []


def _number(entry: Entry, key: str) -> int:
    found = entry.get(key)
    return found if isinstance(found, int) else 0


def _without(positions: Mapping[int, int], gone: Iterable[int]) -> dict[int, int]:
    return {p: position for p, position in positions.items() if p not in set(gone)}


def _named(partitions: Iterable[int]) -> str:
    names = [str(p) for p in sorted(partitions)]
    if len(names) > _LISTED:
        return f"{len(names)} partitions"
    return f"partition{'s' if len(names) > 1 else ''} {_joined(names)}"


def _standing(positions: Mapping[int, int]) -> str:
    """Partitions and where they stand."""
    return f"{_named(positions)} at {_places(positions)}" if positions else "no partition"


def _places(positions: Mapping[int, int]) -> str:
    places = [f"{positions[p]:,}" for p in sorted(positions)]
    return _joined(places if len(places) <= _LISTED else [*places[:_LISTED], "so on"])


def _joined(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
