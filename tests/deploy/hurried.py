"""Rules for a world in which an hour passes in half a minute, so that a test can wait for alerts.

Every duration is divided by 120: those of `for:`, of windows and of offsets (`10m` becomes `5000ms`), and the seconds
that ages are compared with, which rules write as products (`15 * 60` becomes `15 * 0.5`). Nothing else changes: neither
ratios nor counts, nor what a commit may take.
"""

import re
from pathlib import Path

from tests.deploy.rules import RULES

FACTOR = 120
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"\b(\d+)([smhdw])\b")
_PRODUCT = re.compile(r"\* 60\b(?! \*)")


def hurried(text: str) -> str:
    """The rules of one file, or an expression."""
    scaled = _DURATION.sub(lambda found: f"{int(found[1]) * _UNITS[found[2]] // FACTOR}ms", text)
    return _PRODUCT.sub(f"* {60 / FACTOR:g}", scaled)


def write_hurried_rules(folder: Path) -> None:
    """Writes every file of rules there, changed like that."""
    for path in RULES:
        (folder / path.name).write_text(hurried(path.read_text()))
