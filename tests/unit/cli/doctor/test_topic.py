"""Judgements of cluster, topic and group."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace.kafka.survey import Cluster, Copies, GroupSurvey, TopicSurvey
from headrace.kafka.topics import TopicIdentity
from headrace.settings import Settings
from headrace_cli.doctor.checks.cluster import (
    CLUSTER_CHECKS,
    GROUP_CHECKS,
    ClusterFacts,
    GroupFacts,
    may_join,
    members,
    protocol,
    reachable,
    session,
)
from headrace_cli.doctor.checks.topic import TOPIC_CHECKS, TopicFacts
from headrace_cli.doctor.judging import Status, Subject, examine, worst

NOW = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
BROKER_SETTINGS = {
    "group.min.session.timeout.ms": "6000",
    "group.max.session.timeout.ms": "1800000",
    "group.coordinator.rebalance.protocols": "classic,consumer",
}
TOPIC_SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "max.message.bytes": "1048588",
    "unclean.leader.election.enable": "false",
    "min.insync.replicas": "2",
    "message.timestamp.type": "CreateTime",
}
SURVEY = TopicSurvey(
    copies={0: Copies(True, 3, 3), 1: Copies(True, 3, 3)},
    operations=frozenset({"READ", "DESCRIBE"}),
    settings=TOPIC_SETTINGS,
    newest=NOW - timedelta(minutes=5),
)
TOPIC = TopicFacts(Settings(), TopicIdentity("trades", "cluster", "id", 2), SURVEY, NOW)
CLUSTER = ClusterFacts(Settings(), Cluster("cluster", (1, 2, 3), 0.02, BROKER_SETTINGS))


def settings(**kafka: object) -> Settings:
    return Settings.model_validate({"kafka": kafka})


def outcome(survey: TopicSurvey) -> dict[str, tuple[Status, str]]:
    """Of every check of a topic with that survey, those that did not pass."""
    found = examine(Subject("topic", {"topic": "trades"}), replace(TOPIC, survey=survey), TOPIC_CHECKS)
    return {finding.check: (finding.status, finding.found) for finding in found if finding.status is not Status.OK}


def test_a_healthy_topic_passes_every_check() -> None:
    found = examine(Subject("topic", {}), TOPIC, TOPIC_CHECKS)

    assert [finding.check for finding in found] == [check.name for check in TOPIC_CHECKS]
    assert worst(found) is Status.OK


@pytest.mark.parametrize(
    ("name", "value", "check", "says"),
    [
        ("cleanup.policy", "compact,delete", "topic-cleanup", "compact,delete: older records of a key vanish"),
        ("retention.ms", "86400000", "topic-retention", "24 h"),
        ("retention.bytes", "1073741824", "topic-size-limit", "1,073,741,824 bytes"),
        (
            "max.message.bytes",
            "10485760",
            "topic-record-size",
            "takes records of 10,485,699 bytes, the worker 1,048,576",
        ),
        ("unclean.leader.election.enable", "true", "topic-election", "may be lost"),
        ("min.insync.replicas", "1", "topic-acknowledgement", "one disk only"),
        ("min.insync.replicas", "3", "topic-acknowledgement", "producers stop"),
    ],
)
def test_a_setting_that_endangers_records_is_a_warning_and_the_only_one(
    name: str, value: str, check: str, says: str
) -> None:
    ((found, (status, text)),) = outcome(replace(SURVEY, settings=TOPIC_SETTINGS | {name: value})).items()

    assert (found, status) == (check, Status.WARN)
    assert says in text


@pytest.mark.parametrize("kept", ["-1", "259200000"])
def test_three_days_or_for_ever_is_long_enough(kept: str) -> None:
    assert outcome(replace(SURVEY, settings=TOPIC_SETTINGS | {"retention.ms": kept})) == {}


def test_settings_that_may_not_be_read_are_told_once() -> None:
    ((check, (status, text)),) = outcome(replace(SURVEY, settings=None)).items()

    assert (check, status) == ("topic-settings", Status.WARN)
    assert "not checked" in text


def test_a_user_without_read_is_told_what_is_allowed() -> None:
    assert outcome(replace(SURVEY, operations=frozenset({"DESCRIBE"}))) == {
        "topic-read": (Status.FAIL, "READ is not allowed; allowed are: DESCRIBE")
    }


@pytest.mark.parametrize(
    ("copies", "found"),
    [
        (Copies(False, 3, 0), {"topic-leaders": Status.FAIL}),
        (Copies(True, 3, 2), {"topic-leaders": Status.WARN}),
        (Copies(True, 2, 2), {"topic-copies": Status.WARN, "topic-acknowledgement": Status.WARN}),
    ],
)
def test_the_worst_partition_decides(copies: Copies, found: dict[str, Status]) -> None:
    told = outcome(replace(SURVEY, copies={0: Copies(True, 3, 3), 1: copies}))

    assert {check: status for check, (status, _) in told.items()} == found


@pytest.mark.parametrize(("stamps", "who"), [("CreateTime", "a producer's"), ("LogAppendTime", "the broker's")])
def test_a_record_of_the_future_tells_whose_clock_is_ahead(stamps: str, who: str) -> None:
    told = outcome(
        replace(SURVEY, newest=NOW + timedelta(minutes=2), settings=TOPIC_SETTINGS | {"message.timestamp.type": stamps})
    )

    assert told["topic-clock"] == (
        Status.WARN,
        f"{who} clock is 120 s ahead of this machine's, by the newest record ({stamps})",
    )


def test_the_embedded_broker_is_asked_only_what_it_answers() -> None:
    survey = TopicSurvey({0: Copies(True, 1, 1)}, None, None, None)
    found = examine(Subject("topic", {}), replace(TOPIC, survey=survey), TOPIC_CHECKS)

    assert [finding.check for finding in found] == ["topic-exists", "topic-leaders"]


def test_a_healthy_cluster_and_group_pass() -> None:
    group = GroupFacts(GroupSurvey(frozenset({"READ"}), 2), 2)

    assert worst(examine(Subject("cluster", {}), CLUSTER, CLUSTER_CHECKS)) is Status.OK
    assert worst(examine(Subject("group", {}), group, GROUP_CHECKS)) is Status.OK


def test_a_session_that_the_brokers_refuse_fails() -> None:
    verdict = session.judge(replace(CLUSTER, settings=settings(session_timeout_ms=5_999)))

    assert verdict is not None
    assert (verdict.status, verdict.exit_code) == (Status.FAIL, 78)


def test_under_the_consumer_protocol_it_is_the_protocol_that_is_asked() -> None:
    facts = replace(CLUSTER, settings=settings(group_protocol="consumer"))
    old = replace(facts, cluster=Cluster("cluster", (1,), 0.02, {}))

    assert session.judge(facts) is None
    assert [verdict and verdict.status for verdict in map(protocol.judge, (CLUSTER, facts, old))] == [
        None,
        Status.OK,
        Status.FAIL,
    ]


def test_a_late_answer_is_a_warning() -> None:
    verdict = reachable.judge(replace(CLUSTER, cluster=Cluster("cluster", (1,), 1.5, None)))

    assert verdict is not None
    assert verdict.status is Status.WARN


def test_a_group_that_may_not_be_joined_fails_and_idle_workers_are_a_warning() -> None:
    refused = may_join.judge(GroupFacts(GroupSurvey(frozenset({"DESCRIBE"}), 0), 2))
    idle = members.judge(GroupFacts(GroupSurvey(None, 3), 2))

    assert refused is not None
    assert (refused.status, refused.exit_code) == (Status.FAIL, 77)
    assert idle is not None
    assert (idle.status, idle.found) == (Status.WARN, "members: 3, partitions: 2")
    assert members.judge(GroupFacts(GroupSurvey(None, 3), None)) is None
