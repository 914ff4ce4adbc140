"""From events to the records that carry them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter

from headrace.contracts import Event, contract_of
from headrace.errors import ConfigError
from headrace.kafka.sender import Headers, OutgoingRecord


@dataclass(frozen=True, slots=True)
class _Route:
    """How events of one contract become records."""

    topic: str
    value: Callable[[Event], bytes]
    key: Callable[[Event], object]
    event_id: Callable[[Event], object]
    headers: Headers


class EventRecords:
    """Writes events of any contract as records; any thread may."""

    def __init__(self, name: str) -> None:
        """For one sender.

        Args:
            name: who sends; goes into every record's `headrace-producer` header.

        Raises:
            ConfigError: nobody could read that name.
        """
        if not name or not name.isprintable():
            msg = f"name is {name!r}: give the bot a name, it is written into every record"
            raise ConfigError(msg)
        self._name = name.encode()
        self._routes: dict[type[Event], _Route] = {}

    def record_of(self, event: Event) -> OutgoingRecord:
        """The record of an event: key and topic as its contract says, value as `Event.to_wire`."""
        route = self._routes.get(type(event)) or self._add_route(type(event))
        key, event_id = route.key(event), route.event_id(event)
        # Texts, which they nearly always are, without a call each.
        return OutgoingRecord(
            route.topic,
            route.value(event),
            key.encode() if type(key) is str else _text(key),
            [*route.headers, ("headrace-event-id", event_id.encode() if type(event_id) is str else _text(event_id))],
        )

    def _add_route(self, kind: type[Event]) -> _Route:
        if not issubclass(kind, Event):
            msg = f"a {kind.__name__} is no event: make one of a class that derives from headrace.Event"
            raise TypeError(msg)
        contract = contract_of(kind)
        headers: Headers = [
            ("content-type", b"application/json"),
            ("headrace-contract", contract.name.encode()),
            ("headrace-contract-version", str(contract.schema_version).encode()),
            ("headrace-producer", self._name),
        ]
        event_id = attrgetter(contract.event_id) if contract.event_id else _random_id
        route = _Route(contract.topic, contract.encode, attrgetter(contract.key), event_id, headers)
        self._routes[kind] = route
        return route


def _text(value: object) -> bytes:
    return str(value.value if isinstance(value, Enum) else value).encode()


def _random_id(_: Event) -> str:
    return uuid.uuid4().hex
