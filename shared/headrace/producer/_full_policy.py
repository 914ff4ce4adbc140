"""What a bot wants to happen when its queue is full."""

from dataclasses import dataclass
from typing import Literal

from headrace.errors import ConfigError

OnFull = Literal["block", "raise"]


@dataclass(frozen=True, slots=True)
class FullPolicy:
    """What happens to an event for which the queue has no room.

    Attributes:
        on_full: "block" waits up to `block_seconds` for room, "raise" does not wait.
    """

    on_full: OnFull
    block_seconds: float

    def __post_init__(self) -> None:
        if self.on_full not in ("block", "raise"):
            msg = f"on_full is {self.on_full!r}: choose 'block' or 'raise'"
            raise ConfigError(msg)
        if self.on_full == "block" and self.block_seconds <= 0:
            msg = f"block_seconds is {self.block_seconds}: give a positive time, or choose on_full='raise'"
            raise ConfigError(msg)

    def seconds(self) -> float:
        """How long to wait for room."""
        return self.block_seconds if self.on_full == "block" else 0.0
