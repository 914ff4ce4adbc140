"""Tables that may be written by hand, and why others may not: their rows stand for records of a topic."""

import getpass
import os
import socket

from headrace.errors import WrongTableError
from headrace.lake.listing import no_table
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.tables import PIPELINE, TOPIC, refuse_file

_INVARIANTS = "delta.invariants"
_APPEND_ONLY = "delta.appendOnly"


def opened(store: Store, table: str) -> DeltaLog:
    """The newest version of a table, whoever made it.

    Raises:
        ConfigError: there is no such table.
        WrongTableError: a file lies there, or another tool gave it a version or a feature that is not known here.
        StoreError, AccessDeniedError: it cannot be read.
    """
    refuse_file(store, table)
    try:
        return DeltaLog(store, table)
    except FileNotFoundError:
        raise no_table(store, table) from None


def opened_to_write(store: Store, table: str, doing: str) -> DeltaLog:
    """The newest version of a table whose rows people may change.

    Args:
        store: where it lies.
        table: its folder.
        doing: what they are about to do, as in "append rows".

    Raises:
        ConfigError: there is no such table.
        WrongTableError: workers fill it, or another tool gave it what is not known here.
        StoreError, AccessDeniedError: it cannot be read.
    """
    log = opened(store, table)
    refuse_fed(log, doing)
    refuse_unknown(log)
    return log


def is_fed(log: DeltaLog) -> bool:
    """Whether workers fill it, or it is the quarantine of such a table."""
    return PIPELINE in log.properties


def refuse_fed(log: DeltaLog, doing: str) -> None:
    """Makes sure that no worker fills the table.

    Raises:
        WrongTableError: one does.
    """
    if is_fed(log):
        topic = log.properties.get(TOPIC)
        msg = (
            f"nobody may {doing} by hand in {log.table}: its rows are the records of topic {topic}, each exactly once, "
            f"and that could no longer be proved. Emit events to {topic}, or use a table of your own"
        )
        raise WrongTableError(msg)


def refuse_unknown(log: DeltaLog) -> None:
    """Makes sure that a commit made here says all that the table asks of one.

    Raises:
        WrongTableError: another tool asks for more.
    """
    asked = log.demands
    if log.properties.get(_APPEND_ONLY) == "true":
        asked = (*asked, _APPEND_ONLY)
    asked = (
        *asked,
        *(f"{_INVARIANTS} of {field.name}" for field in log.schema.fields if _INVARIANTS in field.metadata),
    )
    if asked:
        msg = (
            f"{log.store.uri(log.table)} was given {', '.join(asked)} by another tool, which is not known here: "
            "write it with that tool. Nothing was written"
        )
        raise WrongTableError(msg)


def by_whom() -> str:
    """Who commits, for its history."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}/{os.getpid()}"
