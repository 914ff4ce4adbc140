"""Judgements of settings and process, and where their facts come from."""

from dataclasses import replace
from pathlib import Path

import pytest

from headrace.sections import MIB
from headrace.settings import Settings, UnknownVariable
from headrace_cli.doctor.checks.process import (
    PROCESS_CHECKS,
    SETTINGS_CHECKS,
    ProcessFacts,
    SettingsFacts,
    deltalake,
    libraries,
    librdkafka,
    memory,
    open_files,
    python,
    settings_password,
    settings_shutdown,
    settings_unknown,
    settings_unused,
)
from headrace_cli.doctor.gather.process import memory_limit, process_facts
from headrace_cli.doctor.judging import Check, Status, Subject, examine, worst

HEALTHY = ProcessFacts(
    settings=Settings(),
    python=(3, 12),
    librdkafka="2.16.0",
    required=("deltalake==1.6.3; extra == 'lake'", "polars>=1.30; extra == 'lake'", "confluent-kafka>=2.14.2"),
    installed={
        "deltalake": "1.6.3",
        "polars": "2.1.0",
        "confluent-kafka": "2.16.1",
        "pyarrow": "26.0.1",
        "obstore": "0.12.1",
        "pydantic": "2.14.3",
        "msgspec": "0.22.0",
    },
    memory_bytes=8192 * MIB,
    memory_limit_bytes=None,
    open_files=65_536,
)


def test_a_healthy_process_passes_every_check() -> None:
    found = examine(Subject("process", {}), HEALTHY, PROCESS_CHECKS)

    assert len(found) == len(PROCESS_CHECKS)
    assert worst(found) is Status.OK


def test_the_process_of_this_test_does_not_fail() -> None:
    found = examine(Subject("process", {}), process_facts(Settings()), PROCESS_CHECKS)

    assert worst(found) is not Status.FAIL, found


@pytest.mark.parametrize(
    ("asked", "facts", "status", "says"),
    [
        (python, replace(HEALTHY, python=(3, 10)), Status.FAIL, "too old"),
        (python, replace(HEALTHY, python=(3, 14)), Status.WARN, "not tested"),
        (
            deltalake,
            replace(HEALTHY, installed={**HEALTHY.installed, "deltalake": "1.6.6"}),
            Status.FAIL,
            "is 1.6.6, ==1.6.3",
        ),
        (deltalake, replace(HEALTHY, installed={}), Status.FAIL, "not installed"),
        (deltalake, replace(HEALTHY, required=()), Status.WARN, "no pin is known"),
        (
            libraries,
            replace(HEALTHY, installed={**HEALTHY.installed, "polars": "1.9.0"}),
            Status.FAIL,
            "polars is 1.9.0, >=1.30",
        ),
        (librdkafka, replace(HEALTHY, librdkafka="2.8.0"), Status.FAIL, "older than 2.14"),
        (memory, replace(HEALTHY, memory_bytes=400 * MIB), Status.FAIL, "aims at 512 MiB, the limit is 400 MiB"),
        (memory, replace(HEALTHY, memory_limit_bytes=511 * MIB), Status.FAIL, "511 MiB"),
        (memory, replace(HEALTHY, memory_limit_bytes=540 * MIB), Status.WARN, "less than a tenth"),
        (memory, replace(HEALTHY, memory_limit_bytes=1024 * MIB), Status.OK, "1024 MiB"),
        (open_files, replace(HEALTHY, open_files=256), Status.WARN, "only 256"),
    ],
)
def test_what_is_wrong_with_a_process_is_seen(
    asked: Check[ProcessFacts], facts: ProcessFacts, status: Status, says: str
) -> None:
    verdict = asked.judge(facts)

    assert verdict is not None
    assert verdict.status is status
    assert says in verdict.found


def test_usual_settings_pass() -> None:
    found = examine(Subject("settings", {}), SettingsFacts(Settings(), ()), SETTINGS_CHECKS)

    assert worst(found) is Status.OK


def test_settings_that_work_but_not_as_meant_are_seen() -> None:
    kafka = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "ssl_ca_location": "/ca.pem"}
    settings = Settings.model_validate({"kafka": kafka, "ingest": {"shutdown_seconds": 60}})
    facts = SettingsFacts(settings, [UnknownVariable("HEADRACE_LAKES__ROOT", "HEADRACE_LAKE__ROOT")])

    for asked, says in (
        (settings_unknown, "HEADRACE_LAKES__ROOT (HEADRACE_LAKE__ROOT was probably meant)"),
        (settings_unused, "without effect under SASL_PLAINTEXT: kafka.ssl_ca_location"),
        (settings_password, "without TLS"),
        (settings_shutdown, "60 s"),
    ):
        verdict = asked.judge(facts)
        assert verdict is not None
        assert verdict.status is Status.WARN
        assert says in verdict.found


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def test_the_tightest_limit_above_a_control_group_counts(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/slice/worker")
    write(tmp_path / "sys/fs/cgroup/slice/worker/memory.max", "max")
    write(tmp_path / "sys/fs/cgroup/slice/memory.max", "600000000")

    assert memory_limit(tmp_path) == 600_000_000


def test_in_a_container_the_limit_stands_at_the_top(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/../../not/visible")
    write(tmp_path / "sys/fs/cgroup/memory.max", "536870912")

    assert memory_limit(tmp_path) == 536_870_912


@pytest.mark.parametrize(("text", "limit"), [("536870912", 536_870_912), ("9223372036854771712", None)])
def test_control_groups_of_version_1_are_read_too(tmp_path: Path, text: str, limit: int | None) -> None:
    write(tmp_path / "proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n0::/")
    write(tmp_path / "sys/fs/cgroup/memory/a/memory.limit_in_bytes", text)

    assert memory_limit(tmp_path) == limit


def test_without_control_groups_nothing_limits(tmp_path: Path) -> None:
    assert memory_limit(tmp_path) is None
