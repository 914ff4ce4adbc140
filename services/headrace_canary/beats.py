"""What has become of heartbeats. Pure: told what was sent and what the table says, it does the accounts.

A heartbeat is on its way from `sent` until it is found in the table, given up by the producer, or lost. Missing is one
that takes longer than the deadline: what a stopped worker makes, and what ends when it has caught up. Lost is only one
that the table's position has gone past, which no waiting brings back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.offsets import Address
from headrace.read.feed import NewRows


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat: who it is, and when it was emitted, seconds since the epoch."""

    beat_id: str
    emitted_at: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """A heartbeat that is in the table, and how long that took."""

    beat: Beat
    seconds: float
    late: bool


@dataclass(frozen=True, slots=True)
class Account:
    """What one look at the table came to.

    Attributes:
        arrived: found for the first time.
        lost: where in the topic those were that have no row although the table has gone past them.
        doubled: records of which another row was there before.
        unknown: how many may or may not have arrived while nobody looked.
    """

    arrived: tuple[Arrival, ...] = ()
    lost: tuple[Address, ...] = ()
    doubled: tuple[Address, ...] = ()
    unknown: int = 0


@dataclass(slots=True)
class _Travelling:
    beat: Beat
    address: Address | None = None


@dataclass
class Beats:
    """The heartbeats that are on their way. One thread uses it.

    Attributes:
        deadline_seconds: one that is not in the table after so long is missing, and late when it arrives.
    """

    deadline_seconds: float
    _travelling: dict[str, _Travelling] = field(default_factory=dict)
    _positions: Mapping[int, int] = field(default_factory=dict)

    def sent(self, beat: Beat) -> None:
        """It was handed to the producer."""
        self._travelling[beat.beat_id] = _Travelling(beat)

    def placed(self, beat_id: str, address: Address) -> None:
        """The broker has it there; it may have been found in the table before that was heard."""
        if beat_id in self._travelling:
            self._travelling[beat_id].address = address

    def given_up(self, beat_id: str) -> None:
        """The broker did not acknowledge it."""
        self._travelling.pop(beat_id, None)

    def missing(self, now: float) -> int:
        """How many should have arrived by `now`."""
        return sum(now - each.beat.emitted_at > self.deadline_seconds for each in self._travelling.values())

    def account(self, found: NewRows, now: float) -> Account:
        """Takes notice of what the table brought, at a moment in seconds since the epoch."""
        doubled = self._doubled(found)
        arrived = tuple(
            self._arrival(travelling.beat, now)
            for row in found.rows
            if (travelling := self._travelling.pop(row.value, None)) is not None
        )
        passed = [each for each in self._travelling.values() if _is_past(found.positions, each.address)]
        for each in passed:
            del self._travelling[each.beat.beat_id]
        self._positions = found.positions
        if found.begins:
            return Account(unknown=len(passed))
        return Account(arrived, tuple(each.address for each in passed if each.address), doubled)

    def _arrival(self, beat: Beat, now: float) -> Arrival:
        seconds = max(0.0, now - beat.emitted_at)
        return Arrival(beat, seconds, late=seconds > self.deadline_seconds)

    def _doubled(self, found: NewRows) -> tuple[Address, ...]:
        seen: set[Address] = set()
        twice: list[Address] = []
        for row in found.rows:
            if _is_past(self._positions, row.address) or row.address in seen:
                twice.append(row.address)
            seen.add(row.address)
        return tuple(twice)


def _is_past(positions: Mapping[int, int], address: Address | None) -> bool:
    return address is not None and address[1] < positions.get(address[0], 0)
