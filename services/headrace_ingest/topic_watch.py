"""Looks again, beside the loop, whether the topic is still the one that the table is filled from."""

from collections.abc import Callable, Sequence

from headrace.clock import Clock
from headrace.errors import TransientError
from headrace.kafka.topics import TopicIdentity
from headrace.lake.tables import recreated
from headrace.logs import get_logger
from headrace_ingest.asker import Asker
from headrace_ingest.ports import Topic

log = get_logger(__name__)


class TopicWatch:
    """Asks every `seconds` on a thread of its own, since an unreachable broker answers late.

    Args:
        topic: what to ask.
        expected: the identity found at start.
        unread: where no group sees to it that all partitions are read: tells which ones nobody has ever read.
        seconds: between two questions.
        clock: time.
    """

    def __init__(
        self,
        topic: Topic,
        expected: TopicIdentity,
        *,
        unread: Callable[[Sequence[int]], Sequence[int]] | None = None,
        seconds: float,
        clock: Clock,
    ) -> None:
        self._topic = topic
        self._expected = expected
        self._unread = unread
        self._told_unread: Sequence[int] = []
        self._asker = Asker[tuple[TopicIdentity, Sequence[int]]]("headrace-topic", seconds=seconds, clock=clock)

    @property
    def partitions(self) -> int:
        """Number of partitions when the topic was last looked at."""
        return self._expected.partitions

    def check(self) -> None:
        """Never blocks; called at every turn of the loop.

        Raises:
            TopicRecreatedError: it is another topic of the same name.
            TopicMissingError: it was deleted.
            AccessDeniedError: the rights were taken away.
        """
        answer = self._asker.turn(self._look)
        if answer is None:
            return
        try:
            found, unread = answer.result()
        except TransientError as error:
            log.warning("topic_not_seen", topic=self._expected.name, error=str(error))
            return
        self._compare(found)
        if found.partitions != self._expected.partitions:
            log.info("partitions_changed", topic=found.name, before=self._expected.partitions, now=found.partitions)
            self._expected = found
        if unread and unread != self._told_unread:
            log.warning("partitions_unread", topic=found.name, partitions=unread)
        self._told_unread = unread

    def _look(self) -> tuple[TopicIdentity, Sequence[int]]:
        found = self._topic.identity()
        return found, [] if self._unread is None else self._unread(range(found.partitions))

    def prove(self) -> None:
        """Asks now; called by the writer before it commits, since a look every few seconds would come too late.

        Raises:
            TopicRecreatedError, TopicMissingError, AccessDeniedError: as `check`.
            BrokerUnreachableError: nobody answered.
        """
        self._compare(self._topic.identity())

    def _compare(self, found: TopicIdentity) -> None:
        if (found.cluster_id, found.topic_id) != (self._expected.cluster_id, self._expected.topic_id):
            raise recreated(self._expected.name, "the table")
