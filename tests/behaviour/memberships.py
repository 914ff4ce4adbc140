"""How a worker comes by its partitions: every way that there is, for suites that hold on each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Membership:
    """One way.

    Attributes:
        name: in test ids.
        kafka: settings that choose it, as KafkaSettings names them.
        static: whether members have ids of their own.
        by_hand: whether workers are told their partitions, and there is no group.
    """

    name: str
    kafka: Mapping[str, object] = field(default_factory=dict)
    static: bool = False
    by_hand: bool = False


CLASSIC = Membership("classic")
CLASSIC_STATIC = Membership("classic-static", static=True)
CONSUMER = Membership("consumer", {"group_protocol": "consumer"})
CONSUMER_STATIC = Membership("consumer-static", {"group_protocol": "consumer"}, static=True)
BY_HAND = Membership("by-hand", by_hand=True)

GROUPS = (CLASSIC, CLASSIC_STATIC, CONSUMER, CONSUMER_STATIC)
EVERY = (*GROUPS, BY_HAND)
