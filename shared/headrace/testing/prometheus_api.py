"""Questions to a Prometheus."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Series:
    """What a query gave for one set of labels.

    Attributes:
        labels: with `__name__` where the query keeps it.
        points: times in seconds since the epoch, and values.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class PrometheusApi:
    """A Prometheus that runs.

    Args:
        url: where it listens, without a path.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> tuple[Series, ...]:
        """What the expression is now; one point for each series.

        Raises:
            ValueError: the expression is wrong; the message is Prometheus' own.
        """
        found = self._ask("query", query=expression)
        if found["resultType"] == "scalar":
            return (_series({"metric": {}, "values": [found["result"]]}),)
        return tuple(_series({**each, "values": [each["value"]]}) for each in found["result"])

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> tuple[Series, ...]:
        """What the expression was from `start` to `end`, every `step` seconds.

        Raises:
            ValueError: the expression is wrong; the message is Prometheus' own.
        """
        found = self._ask("query_range", query=expression, start=str(start), end=str(end), step=str(step))
        return tuple(_series(each) for each in found["result"])

    def firing(self) -> dict[str, list[Mapping[str, str]]]:
        """Labels of the alerts that fire, by their names."""
        found: dict[str, list[Mapping[str, str]]] = {}
        for alert in self._ask("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found

    def targets_up(self) -> int:
        """How many of its targets answered the last time."""
        return sum(target["health"] == "up" for target in self._ask("targets")["activeTargets"])

    def rule_errors(self) -> dict[str, str]:
        """What the last evaluation of a rule failed with, by the rule's name."""
        rules = [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]
        return {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")}

    def _ask(self, what: str, **arguments: str) -> Any:
        _, said = request("GET", self.url, f"/api/v1/{what}?{urlencode(arguments)}")
        answer = json.loads(said)
        if answer["status"] != "success":
            msg = f"{arguments.get('query', what)}: {answer['error']}"
            raise ValueError(msg)
        return answer["data"]


def request(method: str, url: str, path: str) -> tuple[int, str]:
    """Status and body of one answer."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=_ANSWER_SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def _series(found: Mapping[str, Any]) -> Series:
    return Series(found["metric"], tuple((float(at), float(value)) for at, value in found["values"]))
