"""Rows back to the bytes that a Headrace producer sent for them."""

from collections.abc import Sequence

import pyarrow as pa

from headrace.contracts import Contract, RejectedError
from headrace.read.proof.actions import DataFile
from headrace.read.proof.encoding import RowEncoder
from headrace.read.proof.files import FileDamagedError
from headrace.read.proof.findings import Code, Finding
from headrace.read.proof.offset_sets import bounds_of

_DATE = "date"


class ValueCodec:
    """Canonical bytes of one contract's values, from both sides."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._event = contract.event
        self._encoder = RowEncoder(contract.fields)
        self.columns = tuple(field.name for field in contract.fields)

    @property
    def contract(self) -> Contract:
        """The contract."""
        return self._contract

    def encode(self, rows: pa.RecordBatch) -> Sequence[bytes]:
        """The canonical wire bytes of each row.

        Raises:
            FileDamagedError: a column is not of a type that the contract's values could have.
        """
        try:
            return self._encoder.encode(rows)
        except (pa.ArrowException, TypeError, AttributeError, KeyError) as error:
            msg = f"its columns do not hold what contract {self._contract.name} says ({type(error).__name__})"
            raise FileDamagedError(msg) from None

    def canonical(self, value: bytes) -> bytes:
        """What the contract makes of a value on the slow, explaining path; the value itself where it is rejected."""
        try:
            return self._event.from_wire(value).to_wire()
        except RejectedError:
            return value

    def check_partition_value(self, file: DataFile, rows: pa.RecordBatch) -> Finding | None:
        """Whether every row's event time lies on the date that `file` is filed under."""
        wanted = file.partition_values.get(_DATE)
        time = self._contract.event_time
        if wanted is None or time is None:
            return None
        days = {str(bound)[:10] for bound in bounds_of(rows.column(time))}
        if days == {wanted}:
            return None
        message = f"{file.path} is filed under {wanted} but holds events of {', '.join(sorted(days))}"
        return file.blame(Code.WRONG_PARTITION_VALUE, message)
