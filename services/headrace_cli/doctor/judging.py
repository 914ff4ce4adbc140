"""What a check is: a pure judgement over facts, with the one thing to do when it does not pass.

    @check("topic-cleanup", asks="what is asked, for the documentation", remedy="what to do about {topic}")
    def cleanup(topic: TopicFacts) -> Verdict | None: ...

A check takes facts that are there; it returns None where the question does not arise. Facts that could not be
gathered fail the first check of their list, which is the one that asks whether they can be.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from headrace.errors import HeadraceError

F = TypeVar("F")


class Status(StrEnum):
    """How a check ended."""

    OK = "OK"
    WARN = "WARN"
    """It works today; an outage or somebody's mistake is enough to change that."""
    FAIL = "FAIL"
    """A worker would not start or would stop, a reader would fail, or records are lost already."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judgement came to.

    Attributes:
        status: how it ended.
        found: one sentence or half of one, with the values that were found.
        exit_code: with which a worker would end because of it.
    """

    status: Status
    found: str
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a check says of itself.

    Attributes:
        name: stable, for scripts.
        asks: what is asked.
        remedy: what to do when it does not pass; names in braces are filled in.
    """

    name: str
    asks: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Check(Question, Generic[F]):
    """A question to facts of one kind, and the judgement that answers it."""

    judge: Callable[[F], Verdict | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check of one subject, such as `topic trades`.

    Attributes:
        subject: what was looked at.
        check: name of the check.
        status: how it ended.
        found: what was found.
        remedy: what to do; None where it passed.
        exit_code: with which a worker would end because of it.
    """

    subject: str
    check: str
    status: Status
    found: str
    remedy: str | None
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What facts are about: its name in the report, and the names that remedies speak of."""

    name: str
    names: Mapping[str, str]


def check(name: str, *, asks: str, remedy: str) -> Callable[[Callable[[F], Verdict | None]], Check[F]]:
    """Makes a check of a judgement."""

    def made(judge: Callable[[F], Verdict | None]) -> Check[F]:
        return Check(name, asks, remedy, judge)

    return made


def ok(found: str) -> Verdict:
    """Nothing to do."""
    return Verdict(Status.OK, found)


def warn(found: str) -> Verdict:
    """Works, but for how long."""
    return Verdict(Status.WARN, found)


def fail(found: str, exit_code: int | None = None) -> Verdict:
    """Does not work."""
    return Verdict(Status.FAIL, found, exit_code)


def failed(error: HeadraceError) -> Verdict:
    """What a worker would end with."""
    return Verdict(Status.FAIL, str(error), error.exit_code)


def examine(subject: Subject, facts: F | HeadraceError, checks: Iterable[Check[F]]) -> list[Finding]:
    """Judges facts by every check that has something to say of them.

    Args:
        subject: what they are about.
        facts: what was gathered, or why it could not be.
        checks: the first asks whether the facts can be gathered.
    """
    if isinstance(facts, HeadraceError):
        return [_finding(subject, next(iter(checks)), failed(facts))]
    verdicts = ((each, each.judge(facts)) for each in checks)
    return [_finding(subject, each, verdict) for each, verdict in verdicts if verdict is not None]


def worst(findings: Iterable[Finding]) -> Status:
    """FAIL before WARN before OK; OK of nothing."""
    found = {finding.status for finding in findings}
    return next((status for status in (Status.FAIL, Status.WARN) if status in found), Status.OK)


def _finding(subject: Subject, asked: Check[F], verdict: Verdict) -> Finding:
    remedy = None if verdict.status is Status.OK else asked.remedy.format_map(subject.names)
    return Finding(subject.name, asked.name, verdict.status, verdict.found, remedy, verdict.exit_code)
