"""The topic that a table is filled from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headrace.kafka.survey import TopicSurvey
from headrace.kafka.topics import TopicIdentity
from headrace.settings import Settings
from headrace_cli.doctor.checks.cluster import read_allowed
from headrace_cli.doctor.judging import Check, Verdict, check, fail, ok, warn

_HOUR_MS = 3_600_000
# An outage from Friday evening to Monday noon is 66 hours.
_SAFE_HOURS = 72
# Header of a record batch: what the broker's limit holds beside the records.
_BATCH_HEADER_BYTES = 61
_CLOCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic that is there.

    Attributes:
        settings: of the process.
        identity: which topic it is.
        survey: what the cluster tells of it.
        asked_at: this machine's time after the answer.
    """

    settings: Settings
    identity: TopicIdentity
    survey: TopicSurvey
    asked_at: datetime

    def setting(self, name: str) -> str | None:
        """By Kafka's name; None where settings may not be read, or there is no such one."""
        return None if self.survey.settings is None else self.survey.settings.get(name)


@check(
    "topic-exists",
    asks="The topic exists, and this user may see it.",
    remedy="kafka-topics --create --topic {topic} --partitions N, or kafka-acls --add --allow-principal User:NAME "
    "--operation Read --topic {topic}",
)
def exists(topic: TopicFacts) -> Verdict:
    """A topic that is missing or hidden does not get here."""
    return ok(f"{topic.identity.partitions} partitions, id {topic.identity.topic_id}")


@check(
    "topic-read",
    asks="This user may read the topic.",
    remedy="kafka-acls --add --allow-principal User:NAME --operation Read --topic {topic}",
)
def may_read(topic: TopicFacts) -> Verdict | None:
    """By what the broker says this user may do."""
    return read_allowed(topic.survey.operations)


@check(
    "topic-settings",
    asks="This user may read the topic's settings, which the checks below need.",
    remedy="kafka-acls --add --allow-principal User:NAME --operation DescribeConfigs --topic {topic}, or run doctor "
    "as a user who has it: workers do not need it.",
)
def settings_seen(topic: TopicFacts) -> Verdict | None:
    """Not asked of the embedded broker, which has none."""
    if topic.survey.operations is None:
        return None
    return warn("not checked: this user may not read them") if topic.survey.settings is None else ok("can be read")


@check(
    "topic-leaders",
    asks="Every partition has a leader, and all its copies are in sync.",
    remedy="kafka-topics --describe --topic {topic} names the brokers that are missing: start them.",
)
def leaders(topic: TopicFacts) -> Verdict:
    """A partition without a leader cannot be read until it has one."""
    copies = topic.survey.copies
    leaderless = [p for p, found in copies.items() if not found.led]
    behind = [p for p, found in copies.items() if found.in_sync < found.replicas]
    if leaderless:
        return fail(f"partitions without a leader: {_listed(leaderless)}")
    return warn(f"partitions with copies out of sync: {_listed(behind)}") if behind else ok("all are led and in sync")


@check(
    "topic-cleanup",
    asks="Records are deleted by age only: compaction removes some before they are read.",
    remedy="kafka-configs --alter --topic {topic} --add-config cleanup.policy=delete",
)
def cleanup(topic: TopicFacts) -> Verdict | None:
    """What compaction removed is a gap, which no proof can tell from a record that never was."""
    policy = topic.setting("cleanup.policy")
    if policy is None:
        return None
    found = f"cleanup.policy={policy}"
    return warn(f"{found}: older records of a key vanish") if "compact" in policy else ok(found)


@check(
    "topic-retention",
    asks="Records are kept for three days or more: an outage over a weekend must not lose any.",
    remedy="kafka-configs --alter --topic {topic} --add-config retention.ms=604800000",
)
def retention(topic: TopicFacts) -> Verdict | None:
    """-1 keeps them for ever."""
    value = topic.setting("retention.ms")
    if value is None:
        return None
    milliseconds = int(value)
    if milliseconds < 0:
        return ok("records are kept for ever")
    found = f"records are kept for {milliseconds / _HOUR_MS:g} h"
    return ok(found) if milliseconds >= _SAFE_HOURS * _HOUR_MS else warn(found)


@check(
    "topic-size-limit",
    asks="Retention goes by age and not by size: a burst must not shorten the time in which a worker may be down.",
    remedy="kafka-configs --alter --topic {topic} --add-config retention.bytes=-1, and watch the brokers' disks.",
)
def size_limit(topic: TopicFacts) -> Verdict | None:
    """Per partition."""
    value = topic.setting("retention.bytes")
    if value is None:
        return None
    return ok("not limited") if int(value) < 0 else warn(f"each partition keeps at most {int(value):,} bytes")


@check(
    "topic-record-size",
    asks="A record that the broker takes is not quarantined as `oversize`.",
    remedy="Raise HEADRACE_INGEST__MAX_RECORD_BYTES, or lower max.message.bytes of the topic.",
)
def record_size(topic: TopicFacts) -> Verdict | None:
    """The broker's limit is of a batch as it travels, compressed; a record in it may be larger still."""
    value = topic.setting("max.message.bytes")
    if value is None:
        return None
    largest, taken = int(value) - _BATCH_HEADER_BYTES, topic.settings.ingest.max_record_bytes
    found = f"the topic takes records of {largest:,} bytes, the worker {taken:,}"
    return ok(found) if largest <= taken else warn(found)


@check(
    "topic-election",
    asks="A broker that missed records is never elected leader.",
    remedy="kafka-configs --alter --topic {topic} --add-config unclean.leader.election.enable=false",
)
def election(topic: TopicFacts) -> Verdict | None:
    """It truncates the log: acknowledged records are gone, and offsets name other ones."""
    value = topic.setting("unclean.leader.election.enable")
    if value is None:
        return None
    found = f"unclean.leader.election.enable={value}"
    return warn(f"{found}: acknowledged records may be lost") if value == "true" else ok(found)


@check(
    "topic-copies",
    asks="Every partition has three copies.",
    remedy="kafka-reassign-partitions with three replicas for each partition of {topic}.",
)
def copies(topic: TopicFacts) -> Verdict | None:
    """With one, a disk takes acknowledged records with it; with two, losing a broker stops producers or safety."""
    if topic.survey.operations is None:
        return None
    least = min(found.replicas for found in topic.survey.copies.values())
    found = f"{least} {'copy' if least == 1 else 'copies'} of each partition"
    return ok(found) if least >= 3 else warn(found)


@check(
    "topic-acknowledgement",
    asks="A record counts as written on two brokers at least, and one broker may be down.",
    remedy="kafka-configs --alter --topic {topic} --add-config min.insync.replicas=2, with three copies.",
)
def acknowledgement(topic: TopicFacts) -> Verdict | None:
    """min.insync.replicas between 2 and one less than the copies."""
    value = topic.setting("min.insync.replicas")
    if value is None:
        return None
    least = min(found.replicas for found in topic.survey.copies.values())
    found = f"min.insync.replicas={value} of {least}"
    if int(value) < 2:
        return warn(f"{found}: an acknowledged record may be on one disk only")
    return warn(f"{found}: producers stop when one broker is down") if int(value) >= least else ok(found)


@check(
    "topic-clock",
    asks="No record is stamped later than this machine's time, so the clocks agree as far as can be seen.",
    remedy="Synchronise the clocks of this machine, the brokers and the producers (chronyd, systemd-timesyncd).",
)
def clock(topic: TopicFacts) -> Verdict | None:
    """Seen in one direction only. Who stamps records, broker or producer, is a setting of the topic."""
    if topic.survey.newest is None:
        return None
    seconds = (topic.survey.newest - topic.asked_at).total_seconds()
    if seconds <= _CLOCK_SECONDS:
        return ok(f"the newest record is stamped {topic.survey.newest:%Y-%m-%d %H:%M:%S} UTC")
    stamps = topic.setting("message.timestamp.type") or "CreateTime"
    who = "the broker's" if stamps == "LogAppendTime" else "a producer's"
    return warn(f"{who} clock is {seconds:.0f} s ahead of this machine's, by the newest record ({stamps})")


TOPIC_CHECKS: tuple[Check[TopicFacts], ...] = (
    exists,
    may_read,
    leaders,
    copies,
    clock,
    settings_seen,
    cleanup,
    retention,
    size_limit,
    record_size,
    election,
    acknowledgement,
)


def _listed(partitions: Sequence[int]) -> str:
    shown = ", ".join(map(str, partitions[:10]))
    return shown if len(partitions) <= 10 else f"{shown} and {len(partitions) - 10} more"
