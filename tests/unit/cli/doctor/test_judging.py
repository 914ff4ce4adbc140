from dataclasses import dataclass

import pytest

from headrace.errors import BrokerUnreachableError
from headrace_cli.doctor.judging import Status, Subject, Verdict, check, examine, fail, ok, warn, worst

TOPIC = Subject("topic trades", {"topic": "trades"})


@dataclass(frozen=True)
class Facts:
    number: int | None


@check("number-known", asks="Is it known?", remedy="Find out about {topic}.")
def known(facts: Facts) -> Verdict:
    return ok("known")


@check("number-small", asks="Is it small?", remedy="Shrink {topic}.")
def small(facts: Facts) -> Verdict | None:
    if facts.number is None:
        return None
    return fail("too large", 81) if facts.number > 9 else warn("large") if facts.number > 5 else ok("small")


@pytest.mark.parametrize(
    ("number", "status", "remedy", "exit_code"),
    [(1, Status.OK, None, None), (6, Status.WARN, "Shrink trades.", None), (10, Status.FAIL, "Shrink trades.", 81)],
)
def test_what_does_not_pass_carries_its_remedy(
    number: int, status: Status, remedy: str | None, exit_code: int | None
) -> None:
    first, second = examine(TOPIC, Facts(number), [known, small])

    assert (first.subject, first.check, first.status, first.remedy) == ("topic trades", "number-known", Status.OK, None)
    assert (second.check, second.status, second.remedy, second.exit_code) == ("number-small", status, remedy, exit_code)


def test_a_question_that_does_not_arise_is_not_reported() -> None:
    assert [finding.check for finding in examine(TOPIC, Facts(None), [known, small])] == ["number-known"]


def test_facts_that_could_not_be_gathered_fail_the_first_check_with_the_exit_code_of_a_worker() -> None:
    (only,) = examine(TOPIC, BrokerUnreachableError("nobody answers"), [known, small])

    assert (only.check, only.status, only.exit_code) == ("number-known", Status.FAIL, 69)
    assert (only.found, only.remedy) == ("nobody answers", "Find out about trades.")


def test_the_worst_finding_is_the_outcome() -> None:
    fine, large, huge = (examine(TOPIC, Facts(number), [known, small]) for number in (1, 6, 10))

    assert [worst(found) for found in ([], fine, fine + large, huge + large)] == ["OK", "OK", "WARN", "FAIL"]
