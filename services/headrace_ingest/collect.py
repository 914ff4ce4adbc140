"""From a poll to the batch: admit, decode, sort out. One record becomes one row or one reject, by count."""

from collections.abc import Mapping

from headrace.clock import Clock
from headrace.contracts import Rejection
from headrace.kafka.consumer import Poll
from headrace.kafka.records import Records
from headrace.lake.quarantine import QuarantinedRecord
from headrace_ingest.batch import Batch
from headrace_ingest.decode import Decoder
from headrace_ingest.flush import QuarantineGauge
from headrace_ingest.intake import Intake, Lease


class Collector:
    """Adds polls to batches.

    Args:
        decoder: of the table's contract.
        gauge: stops the worker when most of the input is bad.
        clock: time.
    """

    def __init__(self, decoder: Decoder, gauge: QuarantineGauge, clock: Clock) -> None:
        self._decoder = decoder
        self._gauge = gauge
        self._clock = clock

    def collect(self, poll: Poll, leases: Mapping[int, Lease], batch: Batch) -> dict[int, int]:
        """Moves `leases` and fills `batch`.

        Returns:
            Partitions to seek, with the position to read from again.

        Raises:
            QuarantineLimitError: most of the input is bad.
            InvariantError: records and rows do not add up.
        """
        admitted = Intake(leases).admit(poll.records, poll.ends)
        batch.account(admitted.spans, self._clock.monotonic())
        records = admitted.records
        if not len(records):
            return admitted.seeks
        decoded = self._decoder.decode(records, self._clock.now())
        decoded.check(len(records))
        batch.add_rows(decoded.rows)
        batch.add_tombstones(decoded.tombstones)
        for index, rejection in decoded.rejects.items():
            batch.add_reject(_quarantined(records, index, rejection))
        example = next(map(str, reversed(decoded.rejects.values())), "")
        self._gauge.count(len(records), list(decoded.rejects), reason=example)
        return admitted.seeks


def _quarantined(records: Records, index: int, rejection: Rejection) -> QuarantinedRecord:
    envelope = records.envelope(index)
    return QuarantinedRecord(
        topic=records.topic,
        partition=records.partitions[index],
        offset=records.offsets[index],
        timestamp_ms=records.timestamps[index],
        key=envelope.key,
        value=records.values[index],
        headers=envelope.headers,
        reason=rejection.reason,
        detail=rejection.detail,
    )
