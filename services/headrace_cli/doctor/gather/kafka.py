"""Asks the cluster."""

from headrace.clock import SystemClock
from headrace.errors import HeadraceError
from headrace.kafka.survey import ClusterSurvey
from headrace.kafka.topics import TopicClient
from headrace.offsets import OffsetRange
from headrace.settings import Settings
from headrace_cli.doctor.checks.cluster import ClusterFacts, GroupFacts
from headrace_cli.doctor.checks.topic import TopicFacts


class KafkaFacts:
    """Facts of one cluster. Use from one thread; every request takes at most `request_timeout_seconds`.

    Raises:
        ConfigError: no broker is named, or librdkafka refuses a property.
        BrokerUnreachableError, AccessDeniedError: the cluster does not answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # What its threads meet is told once, as a finding, and not at every attempt to connect.
        self._kafka = settings.kafka.model_copy(update={"client": {"log_level": "0", **settings.kafka.client}})
        self._survey = ClusterSurvey(self._kafka)
        self.cluster = ClusterFacts(settings, self._survey.cluster())

    def topic(self, name: str) -> TopicFacts:
        """Facts of a topic.

        Raises:
            HeadraceError: it is missing, may not be seen, or the cluster stopped answering.
        """
        client = TopicClient(self._kafka, name)
        try:
            identity = client.identity()
        finally:
            client.close()
        survey = self._survey.topic(name, embedded=self.cluster.cluster.is_embedded)
        return TopicFacts(self._settings, identity, survey, SystemClock().now())

    def ranges(self, topic: TopicFacts) -> dict[int, OffsetRange]:
        """What the broker has of each partition; nothing where one cannot be asked, which was told already."""
        client = TopicClient(self._kafka, topic.identity.name)
        try:
            return {p: client.watermarks(p) for p in range(topic.identity.partitions)}
        except HeadraceError:
            return {}
        finally:
            client.close()

    def group(self, name: str, partitions: int | None) -> GroupFacts | None:
        """Facts of a consumer group; None on the mock cluster, which does not tell.

        Raises:
            HeadraceError: it may not be seen, or the cluster stopped answering.
        """
        if self.cluster.cluster.is_embedded:
            return None
        return GroupFacts(self._survey.group(name), partitions)
