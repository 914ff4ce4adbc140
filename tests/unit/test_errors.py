import inspect
import re
from collections.abc import Iterator

import pytest

from headrace import errors
from headrace.errors import DeliveryError, HeadraceError, PermanentError, TransientError


def _below(root: type[HeadraceError]) -> Iterator[type[HeadraceError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _below(child)


def _drawn() -> list[tuple[str, int]]:
    return [(name, int(code)) for name, code in re.findall(r"(\w+Error) +(\d+)", inspect.getdoc(errors) or "")]


def test_tree_in_the_docstring_is_the_tree() -> None:
    written = {kind.__name__: kind.exit_code for kind in _below(HeadraceError)}
    branches = {"PermanentError", "TransientError"}
    assert dict(_drawn()) == {name: code for name, code in written.items() if name not in branches}
    assert len(_drawn()) == len(dict(_drawn()))


@pytest.mark.parametrize("kind", list(_below(HeadraceError)))
def test_every_failure_says_whether_a_later_try_may_help(kind: type[HeadraceError]) -> None:
    assert kind in (HeadraceError, DeliveryError) or issubclass(kind, PermanentError) != issubclass(
        kind, TransientError
    )
    assert kind.__name__.endswith("Error")


@pytest.mark.parametrize("kind", list(_below(HeadraceError)))
def test_exit_codes_leave_verdicts_usage_and_signals_alone(kind: type[HeadraceError]) -> None:
    assert 64 < kind.exit_code < 126


def test_failures_with_different_remedies_have_different_exit_codes() -> None:
    alone: list[type[HeadraceError]] = [
        errors.AccessDeniedError, errors.TopicMissingError, errors.WrongTableError, errors.TopicRecreatedError,
        errors.PositionLostError, errors.AnotherWriterError, errors.UnsafeStoreError, errors.InvariantError,
        errors.BrokerUnreachableError, errors.StoreError, errors.DeliveryError,
    ]  # fmt: skip
    codes = [kind.exit_code for kind in _below(HeadraceError)]
    assert [kind.__name__ for kind in alone if codes.count(kind.exit_code) != 1] == []


def test_delivery_error_says_what_is_lost_and_what_is_pending() -> None:
    error = DeliveryError("2 events", topic="trades", failed=2, pending=3)
    assert (str(error), error.topic, error.failed, error.pending, error.fatal) == ("2 events", "trades", 2, 3, False)
