"""The newest numbers of every table, until they are scraped."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from time import perf_counter

from headrace.clock import Clock
from headrace.errors import BrokerUnreachableError, HeadraceError
from headrace.logs import get_logger
from headrace.metrics import tables
from headrace.metrics.recorder import Recorder, Sample

log = get_logger(__name__)


class Board:
    """What was found by the looks at all tables. Safe to use from several threads, one for each kind of look.

    Args:
        recorder: asks for it when somebody scrapes.
        clock: time.
    """

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._found: dict[tuple[str, str], Sequence[Sample]] = {}
        self._looks: dict[tuple[str, str], Sequence[Sample]] = {}
        self._failures: dict[tuple[str, str], str] = {}
        recorder.read(self._all)

    def put(self, table: str, topic: str, found: Sequence[Sample]) -> None:
        """Replaces what is shown of a table.

        Args:
            table: its folder.
            topic: what it is about, `state`, `upkeep` or `source`.
            found: all of its numbers of that kind.
        """
        self._found[table, topic] = found

    def keep(self, names: Collection[str]) -> None:
        """Forgets all tables but those."""
        for kept in (self._found, self._looks, self._failures):
            for key in [key for key in list(kept) if key[0] not in names]:
                kept.pop(key, None)

    @contextmanager
    def look(self, table: str, look: str) -> Iterator[None]:
        """Times a look that the body takes, and counts one that fails; what was shown of the table stays.

        Until one succeeds its age is shown from the first one on: else nothing would tell that none ever did.
        """
        labels = {"table": table, "look": look}
        first = Sample(tables.COLLECTED, self._clock.now().timestamp(), labels)
        self._looks.setdefault((table, look), (first,))
        began = perf_counter()
        try:
            yield
        except HeadraceError as error:
            self.failed(table, look, error)
            return
        self._failures.pop((table, look), None)
        self._looks[table, look] = (
            Sample(tables.COLLECTED, self._clock.now().timestamp(), labels),
            Sample(tables.COLLECTION_SECONDS, perf_counter() - began, labels),
        )

    def failed(self, table: str, look: str, error: HeadraceError) -> None:
        """Counts a failure, and logs it unless it is the same as the last time."""
        self._recorder.add(tables.COLLECTION_FAILURES, table=table, look=look)
        # While no broker answers, connections fail in words that take turns.
        trouble = BrokerUnreachableError.__name__ if isinstance(error, BrokerUnreachableError) else str(error)
        if self._failures.get((table, look)) != trouble:
            log.warning("collection_failed", table=table, look=look, error=str(error))
        self._failures[table, look] = trouble

    def _all(self) -> list[Sample]:
        # Whoever looks may add a table meanwhile: a list of a dict's values is made in one step.
        return list(chain.from_iterable([*list(self._found.values()), *list(self._looks.values())]))
