"""Chance that a failure can be played again with."""

import os
import random
import secrets


def seeded() -> random.Random:
    """By HEADRACE_TEST_SEED where that is set, else different each time; prints what it began with."""
    seed = int(os.environ.get("HEADRACE_TEST_SEED") or secrets.randbelow(2**32))
    print(f"HEADRACE_TEST_SEED={seed}")
    return random.Random(seed)
