"""What a table's past says: which record a row is, what changed between two versions, and how good its data is."""

from headrace.read.audit.changed_rows import changes
from headrace.read.audit.data_quality.measure import quality
from headrace.read.audit.data_quality.report import (
    ColumnProfile,
    Duplicate,
    Duplicates,
    QualityReport,
    Rejects,
    Scope,
    Timeliness,
    Window,
)
from headrace.read.audit.origin import RowOrigin, RowOrigins, row_origins
from headrace.read.audit.version_origin import VersionOrigin, version_origin
from headrace.read.history import CommitEntry, CommittedRange, KeyChanges, ReplayedRecords
from headrace.read.summary import PartitionPosition
from headrace.read.whereabouts import Place, Whereabouts

__all__ = [
    "ColumnProfile",
    "CommitEntry",
    "CommittedRange",
    "Duplicate",
    "Duplicates",
    "KeyChanges",
    "PartitionPosition",
    "Place",
    "QualityReport",
    "Rejects",
    "ReplayedRecords",
    "RowOrigin",
    "RowOrigins",
    "Scope",
    "Timeliness",
    "VersionOrigin",
    "Whereabouts",
    "Window",
    "changes",
    "quality",
    "row_origins",
    "version_origin",
]
