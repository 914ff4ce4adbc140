"""What a table says of itself in its properties: which topic it is filled from, and by which contract."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from headrace.errors import TopicRecreatedError
from headrace.kafka.topics import TopicIdentity
from headrace.offsets import SourceId
from headrace.read.proof.features import LATEST
from headrace.read.proof.findings import UnsupportedTableError


@dataclass(frozen=True, slots=True)
class LatestRule:
    """What a table of latest rows keeps.

    Attributes:
        key: columns that name a row.
        event_time: column of which the latest counts.
        deletes: whether a record without a value deletes the row of its key.
    """

    key: tuple[str, ...]
    event_time: str
    deletes: bool


@dataclass(frozen=True, slots=True)
class TableIdentity:
    """The `headrace.*` properties of a table.

    Attributes:
        source: what it is filled from.
        topic: its topic.
        contract: name of its contract.
        partitions: the topic's count when the table was made.
        start: what it was told to begin at.
        starts: per partition the position that it began at; empty where the table does not say.
        rule: which event of a key is its row; None where every record is one.
    """

    source: SourceId
    topic: str
    contract: str
    partitions: int
    start: str
    starts: Mapping[int, int]
    rule: LatestRule | None = None


def identify(configuration: Mapping[str, str]) -> TableIdentity:
    """Reads the properties.

    Raises:
        UnsupportedTableError: Headrace did not make the table.
    """
    try:
        source = SourceId(
            configuration["headrace.pipeline"],
            configuration["headrace.cluster_id"],
            configuration["headrace.topic_id"],
        )
        return TableIdentity(
            source,
            configuration["headrace.topic"],
            configuration["headrace.contract"],
            int(configuration["headrace.partitions"]),
            configuration["headrace.start"],
            {int(p): int(position) for p, position in json.loads(configuration.get("headrace.starts", "{}")).items()},
            _rule(configuration.get(LATEST)),
        )
    except (KeyError, ValueError, TypeError) as error:
        msg = f"the table's properties are not those of a Headrace table ({error}): nothing is proved about it"
        raise UnsupportedTableError(msg) from None


def _rule(written: str | None) -> LatestRule | None:
    if written is None:
        return None
    told = json.loads(written)
    return LatestRule(tuple(map(str, told["key"])), str(told["event_time"]), told["tombstones"] == "delete")


def check_topic(found: TopicIdentity, table: TableIdentity) -> None:
    """Makes sure that a topic is the one that the table is filled from.

    Raises:
        TopicRecreatedError: it is on another cluster, or was deleted and created again.
    """
    source = table.source
    if (found.cluster_id, found.topic_id) != (source.cluster_id, source.topic_id):
        msg = (
            f"topic {table.topic} on this cluster is not the one that the table was filled from: cluster "
            f"{found.cluster_id} topic {found.topic_id}, the table names cluster {source.cluster_id} "
            f"topic {source.topic_id}"
        )
        raise TopicRecreatedError(msg)
