"""Which features of Delta verify knows: rows of a table that uses others cannot be read as plain Parquet."""

from collections.abc import Mapping
from typing import Any

from headrace.read.proof.findings import UnsupportedTableError

LATEST = "headrace.latest"
"""Property of tables that keep the latest row of each key."""

Json = Mapping[str, Any]
"""A JSON object as a log holds it: what is taken from it is checked where it is taken."""

# They change how rows are read, and reading plain Parquet by column name is right for them.
_MASKS = "deletionVectors"
_HARMLESS_FEATURES = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "columnMapping"})


def protocol_problem(protocol: Json, configuration: Mapping[str, str]) -> str | None:
    """The newer reader version or the unknown reader features that a protocol action names; None if it is known.

    Args:
        protocol: the action.
        configuration: the table's. Only tables of latest rows have deletion vectors.
    """
    version = int(protocol["minReaderVersion"])
    known = _HARMLESS_FEATURES | ({_MASKS} if LATEST in configuration else set())
    unknown = sorted(set(protocol.get("readerFeatures") or ()) - known)
    return (", ".join(unknown) or f"reader version {version}") if version > 3 or unknown else None


def check_protocol(protocol: Json, configuration: Mapping[str, str]) -> None:
    """Refuses tables whose rows cannot be read as plain Parquet.

    Raises:
        UnsupportedTableError: the protocol action names a newer reader version or an unknown reader feature.
    """
    refuse_problem(protocol_problem(protocol, configuration))


def refuse_problem(problem: str | None) -> None:
    """Refuses what `protocol_problem` named.

    Raises:
        UnsupportedTableError: it named something.
    """
    if problem is not None:
        msg = f"the table uses {problem}, which verify does not know: nothing is proved about it"
        raise UnsupportedTableError(msg)


def check_file(path: str, *, masked: bool) -> None:
    """Refuses files that do not say by themselves which rows they hold.

    Raises:
        UnsupportedTableError: rows of the file are deleted by a deletion vector of another tool.
    """
    if masked:
        msg = f"{path} has a deletion vector that Headrace did not make: such tables are not verified"
        raise UnsupportedTableError(msg)


def check_configuration(configuration: Mapping[str, str]) -> None:
    """Refuses tables whose Parquet columns bear other names than the table's.

    Raises:
        UnsupportedTableError: column mapping is switched on.
    """
    mode = configuration.get("delta.columnMapping.mode", "none")
    if mode != "none":
        msg = f"the table maps its columns ({mode}), which verify does not know: nothing is proved about it"
        raise UnsupportedTableError(msg)
