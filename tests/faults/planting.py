"""How a defect is planted, and which test notices."""

from collections.abc import Callable
from dataclasses import dataclass


def patch(owner: object, name: str, replacement: object) -> None:
    """Replaces an attribute, which must be there."""
    getattr(owner, name)
    setattr(owner, name, replacement)


@dataclass(frozen=True)
class Mutant:
    """One defect.

    Attributes:
        plant: patches production classes.
        guard: the test that must turn red, as a node id.
    """

    plant: Callable[[], None]
    guard: str
