"""What a table's past says: which record a row is, what changed between two versions, and how good its data is."""

from headrace.read.audit.changed_rows import changes
from headrace.read.audit.data_quality.measure import quality
from headrace.read.audit.data_quality.report import QualityReport, Scope
from headrace.read.audit.origin import RowOrigin, RowOrigins, row_origins
from headrace.read.audit.version_origin import VersionOrigin, version_origin

__all__ = [
    "QualityReport",
    "RowOrigin",
    "RowOrigins",
    "Scope",
    "VersionOrigin",
    "changes",
    "quality",
    "row_origins",
    "version_origin",
]
