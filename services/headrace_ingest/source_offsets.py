"""Asks the broker, beside the loop, where the partitions of this worker begin and end."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from headrace.clock import Clock
from headrace.errors import HeadraceError
from headrace.offsets import OffsetRange
from headrace_ingest.asker import Asker
from headrace_ingest.batch import Batch
from headrace_ingest.freshness import BrokerOffsets
from headrace_ingest.intake import Lease
from headrace_ingest.ports import Topic
from headrace_ingest.standing import PartitionStanding, Standing


class SourceOffsets:
    """What the broker last said of each partition.

    What the client has cached will not do: it is as old as the last fetch, and a paused partition is not fetched.

    Args:
        topic: what to ask.
        seconds: between two questions.
        clock: time.
    """

    def __init__(self, topic: Topic, *, seconds: float, clock: Clock) -> None:
        self._topic = topic
        self._clock = clock
        self._known: dict[int, BrokerOffsets] = {}
        self._lost: dict[int, Lease] = {}
        self._asker = Asker[None]("headrace-offsets", seconds=seconds, clock=clock)
        self.answered_at: float | None = None

    def ask(self, partition: int) -> OffsetRange:
        """Asks now, and remembers the answer; called before a partition is read.

        Raises:
            HeadraceError: as `Topic.watermarks`.
        """
        asked_at = self._clock.now().timestamp()
        available = self._topic.watermarks(partition)
        self._known[partition] = BrokerOffsets(available, asked_at)
        self.answered_at = asked_at
        return available

    @property
    def asking(self) -> bool:
        """Whether a question is open."""
        return self._asker.asking

    def check(self, leases: Mapping[int, Lease]) -> None:
        """Never blocks; called at every turn of the loop. Compares new answers with the leases."""
        if self._asker.turn(partial(self._ask_all, list(leases))) is not None:
            self.compare(leases)

    def compare(self, leases: Mapping[int, Lease]) -> None:
        """Compares the last answers with the leases."""
        for partition, lease in leases.items():
            known = self._known.get(partition)
            if known is not None:
                lease.freshness.compare(lease.durable, known)

    def keep_lost(self, leases: Sequence[Lease]) -> None:
        """Shows partitions that the group took away without asking as they were, until the group answers.

        Brokers that are away must not look as if nothing were late.
        """
        self._lost = self._lost | {lease.partition: lease for lease in leases}

    def forget_lost(self) -> None:
        """The group has answered: what was lost is for others to show."""
        self._lost = {}

    def standing(self, leases: Sequence[Lease], batches: Sequence[Batch], *, paused: int, of: int) -> Standing:
        """Leases beside what the broker has and what of them is in `batches`; safe from any thread.

        Args:
            leases: of the partitions that are read.
            batches: read and not yet durable, in order.
            paused: number of partitions that are not delivered.
            of: number of partitions of the topic.
        """
        now = self._clock.now().timestamp()
        waiting: dict[int, float] = {}
        for batch in batches:
            for partition, span in list(batch.spans.items()):
                if span.oldest_ms >= 0:
                    waiting.setdefault(partition, min(now, span.oldest_ms / 1000))
        held = {lease.partition for lease in leases}
        shown = [*leases, *(lease for partition, lease in self._lost.items() if partition not in held)]
        return Standing(
            [
                PartitionStanding(lease, offsets, waiting.get(lease.partition), lease.partition in held)
                for lease in shown
                if (offsets := self._known.get(lease.partition))
            ],
            batches,
            paused=paused,
            topic_partitions=of,
            answered_at=self.answered_at,
        )

    def _ask_all(self, partitions: list[int]) -> None:
        for partition in partitions:
            # Else the answer that is known grows old, and freshness with it; the watch of the topic says what is wrong.
            with suppress(HeadraceError):
                self.ask(partition)
