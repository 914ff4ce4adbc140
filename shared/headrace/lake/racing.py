"""Commits that others come before: for how long to wait, and how often to try again."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from headrace.errors import CommitTimeoutError

Made = TypeVar("Made")

TRIES = 20
"""How often a change is tried against other commits."""


def retry_pause(attempt: int) -> float:
    """Seconds to wait before commit attempt `attempt` (0 is the first repetition): full jitter up to 2 s."""
    # Whoever was faster may go on being so: the pauses grow, and differ.
    return random.uniform(0.0, min(2.0, 0.02 * 2**attempt))  # noqa: S311  # not a secret


def until_first(table: str, attempt: Callable[[], Made | None], pause: Callable[[float], object] = time.sleep) -> Made:
    """Tries again, after a while, as long as `attempt` returns None: another commit came first.

    Args:
        table: its name.
        attempt: plans a change on the newest version, and commits it.
        pause: waits that many seconds.

    Raises:
        CommitTimeoutError: others kept coming first.
        HeadraceError: what `attempt` raises.
    """
    for lost in range(TRIES):
        made = attempt()
        if made is not None:
            return made
        pause(retry_pause(lost))
    msg = f"{table}: {TRIES} times another commit came first, and nothing was changed: try again"
    raise CommitTimeoutError(msg)
