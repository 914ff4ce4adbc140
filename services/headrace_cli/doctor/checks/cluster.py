"""The cluster, and the consumer group of a table's workers."""

from dataclasses import dataclass

from headrace.errors import AccessDeniedError, ConfigError
from headrace.kafka.survey import Cluster, GroupSurvey
from headrace.settings import Settings
from headrace_cli.doctor.judging import Check, Verdict, check, fail, ok, warn

_SLOW_ANSWER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A cluster that answered, and the settings it was asked with."""

    settings: Settings
    cluster: Cluster


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A consumer group, which may not exist yet, and how many partitions its members share, if that is known."""

    survey: GroupSurvey
    partitions: int | None


@check(
    "broker-reachable",
    asks="A broker answers, and accepts the login.",
    remedy="Check HEADRACE_KAFKA__BOOTSTRAP_SERVERS, HEADRACE_KAFKA__SASL_* and SSL_*, and that the broker's "
    "advertised.listeners can be reached from here.",
)
def reachable(facts: ClusterFacts) -> Verdict:
    """Late answers make starts and rebalances slow."""
    cluster = facts.cluster
    found = f"cluster {cluster.id}, brokers: {len(cluster.brokers)}, answered in {cluster.seconds * 1000:.0f} ms"
    return warn(found) if cluster.seconds > _SLOW_ANSWER_SECONDS else ok(found)


@check(
    "broker-session",
    asks="The brokers accept `HEADRACE_KAFKA__SESSION_TIMEOUT_MS`.",
    remedy="Set HEADRACE_KAFKA__SESSION_TIMEOUT_MS within the bounds, or change them on the brokers.",
)
def session(facts: ClusterFacts) -> Verdict | None:
    """Outside of their bounds no worker can join its group. Needs the right to read the brokers' settings."""
    if facts.settings.kafka.group_protocol != "classic":
        return None
    limits = facts.cluster.settings or {}
    try:
        least, most = int(limits["group.min.session.timeout.ms"]), int(limits["group.max.session.timeout.ms"])
    except KeyError:
        return None
    wanted = facts.settings.kafka.session_timeout_ms
    found = f"{wanted} ms, the brokers take {least} to {most} ms"
    return ok(found) if least <= wanted <= most else fail(found, ConfigError.exit_code)


@check(
    "broker-protocol",
    asks="The brokers speak `HEADRACE_KAFKA__GROUP_PROTOCOL=consumer`, where it is set.",
    remedy="Set HEADRACE_KAFKA__GROUP_PROTOCOL=classic, or let brokers of Kafka 4.0 or newer speak it "
    "(group.coordinator.rebalance.protocols).",
)
def protocol(facts: ClusterFacts) -> Verdict | None:
    """Needs the right to read the brokers' settings."""
    if facts.settings.kafka.group_protocol == "classic" or facts.cluster.settings is None:
        return None
    spoken = facts.cluster.settings.get("group.coordinator.rebalance.protocols", "classic")
    found = f"the brokers speak {spoken}"
    return ok(found) if "consumer" in spoken.split(",") else fail(found, ConfigError.exit_code)


CLUSTER_CHECKS: tuple[Check[ClusterFacts], ...] = (reachable, session, protocol)


@check(
    "group-read",
    asks="This user may join the consumer group.",
    remedy="kafka-acls --add --allow-principal User:NAME --operation Read --group headrace- --resource-pattern-type "
    "prefixed; workers with --partitions need no group.",
)
def may_join(group: GroupFacts) -> Verdict | None:
    """By what the broker says this user may do."""
    return read_allowed(group.survey.operations)


@check(
    "group-members",
    asks="No worker is idle.",
    remedy="Stop the workers that have nothing to do, or add partitions: the topic's records of a key may then move.",
)
def members(group: GroupFacts) -> Verdict | None:
    """More members than partitions."""
    if group.partitions is None:
        return None
    found = f"members: {group.survey.members}, partitions: {group.partitions}"
    return warn(found) if group.survey.members > group.partitions else ok(found)


GROUP_CHECKS: tuple[Check[GroupFacts], ...] = (may_join, members)


def read_allowed(operations: frozenset[str] | None) -> Verdict | None:
    """Judges what the broker says this user may do; None where it does not say."""
    if operations is None:
        return None
    if "READ" in operations:
        return ok("allowed")
    allowed = ", ".join(sorted(operations)) or "nothing"
    return fail(f"READ is not allowed; allowed are: {allowed}", AccessDeniedError.exit_code)
