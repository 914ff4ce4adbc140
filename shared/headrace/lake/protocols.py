"""What the protocol of a table asks of writers: what Headrace gave it, or more, of which it knows nothing."""

from collections.abc import Iterable

from deltalake import DeltaTable

from headrace.errors import WrongTableError

INVARIANTS = "invariants"
"""A column that is never null is one; Spark refuses a table that lists features and leaves out this one."""

_MASKS = "deletionVectors"
_PLAIN_WRITER = 2


def of_latest_rows(reader_features: Iterable[str] | None, writer_features: Iterable[str] | None) -> bool:
    """Whether a protocol with these features is that of tables of latest rows, and asks for nothing else."""
    return {*(reader_features or ())} == {_MASKS} <= {*(writer_features or ())} <= {_MASKS, INVARIANTS}


def masks_rows(handle: DeltaTable) -> bool:
    """Whether deletion vectors take rows from a table, as Headrace makes it, and nothing else is special about it."""
    protocol = handle.protocol()
    return of_latest_rows(protocol.reader_features, protocol.writer_features)


def demands(handle: DeltaTable) -> tuple[str, ...]:
    """What a table asks of a writer beyond the second version, which is the last without named features."""
    protocol = handle.protocol()
    features = {*(protocol.writer_features or ()), *(protocol.reader_features or ())}
    later = protocol.min_writer_version > _PLAIN_WRITER and not features
    return (f"writer version {protocol.min_writer_version}",) if later else tuple(sorted(features))


def refuse_raised(handle: DeltaTable, where: str) -> None:
    """Makes sure that a commit of Headrace says all that the table asks of one.

    Raises:
        WrongTableError: another tool asks for more.
    """
    if masks_rows(handle) or not (asked := demands(handle)):
        return
    msg = f"{where} was given {', '.join(asked)} by another tool, of which Headrace knows nothing: nothing was written"
    raise WrongTableError(msg)
