"""Every failure Headrace names, what a caller can do about it, and the exit code a process ends with.

    HeadraceError                            70
    ├── PermanentError                           the same call fails again until somebody acts
    │   ├── ConfigError                      78  settings or files are wrong
    │   │   ├── ContractError                78  an event class is wrong, or no contract has that name
    │   │   ├── AsOfError                    78  what a table is asked as of is not there: not yet, or no longer
    │   │   └── NoTableError                 78  there is no such table under the root of the lake
    │   ├── AccessDeniedError                77  credentials or rights are missing
    │   ├── TopicMissingError                66  the topic does not exist
    │   ├── QuarantineLimitError             65  most of the input is bad: a wrong contract
    │   ├── WrongTableError                  73  what lies at the table's path is not this pipeline's table
    │   ├── TopicRecreatedError              80  the topic is not the one that the table was filled from
    │   ├── PositionLostError                81  the broker no longer has the records after the table's position
    │   ├── AnotherWriterError               82  a second pipeline writes under the same name
    │   ├── EventTooLargeError               65  an event is larger than a record may be
    │   ├── RowsRefusedError                 65  rows written by hand do not fit the table
    │   ├── UnsafeStoreError                 83  the store or the library does not refuse a conflicting commit
    │   ├── InvariantError                   84  something that cannot happen did
    │   └── TableDamagedError                85  a file of a table is not what the log says: cut short, changed, torn
    ├── TransientError                           a later try may succeed
    │   ├── BrokerUnreachableError           69  no broker answers
    │   ├── StoreError                       74  the table's store failed: disk full, read-only, network
    │   ├── CommitTimeoutError               75  commits kept colliding until the deadline
    │   ├── MaintenanceHeldError             75  another process maintains this table
    │   ├── MergeLostError                   75  a merge of maintenance ran out of its memory or time
    │   ├── MemberIdInUseError               75  the group has not let go of this static member id yet
    │   └── QueueFullError                   75  a producer's queue stayed full until the deadline
    └── DeliveryError                        76  an emitted event was not acknowledged by the broker

Exit codes beside these: 0 done, 1 verify or doctor FAIL, 2 verify UNKNOWN, 64 command line usage, 141 whoever read the
output has gone, 143 stopped at once by a second SIGTERM. 64 to 78 follow sysexits.h.
"""

from typing import ClassVar


class HeadraceError(Exception):
    """Root of all failures that Headrace raises on purpose."""

    exit_code: ClassVar[int] = 70


class PermanentError(HeadraceError):
    """Fails again until somebody acts; never retried."""


class TransientError(HeadraceError):
    """May succeed later; nothing was lost."""


class ConfigError(PermanentError):
    """Settings, files or arguments that cannot work."""

    exit_code = 78


class ContractError(ConfigError):
    """An event class that cannot become a table, or an unknown contract name."""


class AsOfError(ConfigError):
    """The version, moment or position that a table is asked as of: not yet there, no longer, or not told."""


class NoTableError(ConfigError):
    """There is no such table under the root of the lake."""


class AccessDeniedError(PermanentError):
    """The broker or the store refused the credentials or the rights."""

    exit_code = 77


class TopicMissingError(PermanentError):
    """The topic does not exist on this cluster."""

    exit_code = 66


class QuarantineLimitError(PermanentError):
    """Most of the input cannot become rows: the contract is wrong, not the records."""

    exit_code = 65


class WrongTableError(PermanentError):
    """The table's path holds something else: a file, another schema, another topic's table."""

    exit_code = 73


class TopicRecreatedError(PermanentError):
    """The topic was deleted and created again; its offsets mean other records."""

    exit_code = 80


class PositionLostError(PermanentError):
    """The table's position cannot be continued from: out of the broker's range, or not recorded."""

    exit_code = 81


class AnotherWriterError(PermanentError):
    """A process outside this consumer group commits under the same pipeline name."""

    exit_code = 82


class EventTooLargeError(PermanentError):
    """The event's bytes exceed what the producer or the broker takes as one record; it was not sent."""

    exit_code = 65


class RowsRefusedError(PermanentError):
    """Rows written by hand do not fit the table; none of them was written."""

    exit_code = 65


class UnsafeStoreError(PermanentError):
    """Two conflicting commits were both accepted: exactly once cannot be kept on this store."""

    exit_code = 83


class InvariantError(PermanentError):
    """An order or a count that the protocol rests on was broken."""

    exit_code = 84


class TableDamagedError(PermanentError):
    """A file of a table is cut short, changed or torn, not what the log says it is; or the log lacks a commit."""

    exit_code = 85


class BrokerUnreachableError(TransientError):
    """No broker of the cluster answered in time."""

    exit_code = 69


class StoreError(TransientError):
    """The table's store failed; what was committed stays committed."""

    exit_code = 74


class CommitTimeoutError(TransientError):
    """Commits kept losing against other writers until the deadline."""

    exit_code = 75


class MaintenanceHeldError(TransientError):
    """Another process maintains the table: its lease is held."""

    exit_code = 75


class MergeLostError(TransientError):
    """The process that merged files was ended: too much memory, too much time, or something else that kills."""

    exit_code = 75


class MemberIdInUseError(TransientError):
    """The static member id is another member's: one that was killed and has not timed out yet, or one that runs."""

    exit_code = 75


class QueueFullError(TransientError):
    """The producer's bounded queue had no room before the deadline."""

    exit_code = 75


class DeliveryError(HeadraceError):
    """Events were handed to a producer and the broker did not acknowledge them.

    Attributes:
        topic: the topic of the first that failed, None when all are merely pending.
        failed: events given up since this was last raised; `on_delivery` was called for each.
        pending: events still queued; a later flush may deliver them.
        fatal: the producer takes no more events; a new one has to be made.
    """

    exit_code = 76

    def __init__(self, message: str, *, topic: str | None, failed: int, pending: int, fatal: bool = False) -> None:
        super().__init__(message)
        self.topic = topic
        self.failed = failed
        self.pending = pending
        self.fatal = fatal
