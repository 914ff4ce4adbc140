"""A log that cannot be replayed, told from a store that failed: which commit is missing or torn.

Commits are put at once and never in parts, by deltalake, by obstore and by other tools on every store, so one that is
being written is not there yet, and never looks torn.
"""

import json
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from headrace.errors import HeadraceError, TableDamagedError
from headrace.lake.failures import is_of_the_system, store_failure
from headrace.lake.store import Store

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"\d{20}\.checkpoint\.(.+\.)?(parquet|json)")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a commit."""

    version: int
    why: str


def reading_failure(
    store: Store, table: str, error: BaseException, *, doing: str, version: int | None = None
) -> HeadraceError:
    """`error` in our words: a damaged log if that is what the log shows, else a failure of the store.

    Args:
        store: where the table lies.
        table: its folder.
        error: what deltalake raised when it read the log.
        doing: the action that failed.
        version: the one that was asked for, None for the newest.
    """
    failure = store_failure(error, doing)
    if is_of_the_system(error):
        return failure
    try:
        found = _fault(store, table, version)
    except HeadraceError:
        return failure
    return failure if found is None else damaged_log(store, table, found)


def damaged_log(store: Store, table: str, fault: Fault) -> TableDamagedError:
    """The failure of a log with that fault."""
    file = f"_delta_log/{fault.version:020d}.json"
    return TableDamagedError(
        f"commit {fault.version} of {store.uri(table)}, {file}, {fault.why}. Starting again does not help: headrace "
        f"verify {table} tells what else is damaged. A commit never changes once it is written: put this one back from "
        "a backup, or recover the table (docs/operations.md, Recover)"
    )


def missing_commit(names: Iterable[str], version: int | None = None) -> int | None:
    """The oldest commit that is not in the log, although one after it is and no checkpoint stands for it.

    Args:
        names: of what is in the log's folder.
        version: commits after this one do not count.
    """
    commits, checkpoints = _versions(names)
    # What lies before the newest checkpoint is cleaned up sooner or later, and not damaged.
    first = max(checkpoints, default=-1) + 1
    last = max(commits, default=-1) if version is None else min(version, max(commits, default=-1))
    return next((each for each in range(first, last + 1) if each not in commits), None)


def actions_in(commit: bytes) -> tuple[list[dict[str, Any]], int | None]:
    """The actions of a commit, and the number, from 1 on, of the first line that is no JSON object; None if all are."""
    actions: list[dict[str, Any]] = []
    for number, line in enumerate(commit.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            action = json.loads(line)
        except ValueError:
            return actions, number
        if not isinstance(action, dict):
            return actions, number
        actions.append(action)
    return actions, None


def torn_line(commit: bytes) -> int | None:
    """Number, from 1 on, of the first line of a commit that is no JSON object; None if all are."""
    return actions_in(commit)[1]


def torn(version: int, line: int) -> Fault:
    """The fault of a commit that cannot be read from that line on."""
    return Fault(version, f"is torn: its line {line} is not the JSON of an action")


def _fault(store: Store, table: str, version: int | None) -> Fault | None:
    seen = set(store.sizes(f"{table}/_delta_log"))
    found = _look(store, table, seen, version)
    if found is None:
        return None
    # A listing takes time, and others clean up, commit and delete meanwhile: damage is what stays.
    again = set(store.sizes(f"{table}/_delta_log"))
    return found if seen <= again and found == _look(store, table, again, version) else None


def _look(store: Store, table: str, names: Set[str], version: int | None) -> Fault | None:
    missing = missing_commit(names, version)
    if missing is not None:
        return Fault(missing, "is missing, and no checkpoint stands for it")
    for each in _replayed(names, version):
        try:
            line = torn_line(store.read(f"{table}/_delta_log/{each:020d}.json"))
        except FileNotFoundError:
            return None
        if line is not None:
            return torn(each, line)
    return None


def _replayed(names: Iterable[str], version: int | None) -> Iterator[int]:
    """Commits that whoever opens that version reads one by one, rising."""
    commits, checkpoints = _versions(names)
    newest = max(commits, default=-1) if version is None else version
    base = max((each for each in checkpoints if each <= newest), default=-1)
    return (each for each in sorted(commits) if base < each <= newest)


def _versions(names: Iterable[str]) -> tuple[frozenset[int], frozenset[int]]:
    """Those that have a commit, and those that have a checkpoint of any kind."""
    named = list(names)
    commits = frozenset(int(found[1]) for name in named if (found := _COMMIT.fullmatch(name)))
    return commits, frozenset(int(name[:20]) for name in named if _CHECKPOINT.fullmatch(name))
