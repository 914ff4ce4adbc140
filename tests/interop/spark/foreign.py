"""What Spark does to tables while a worker is at work, and what follows of it: docs/interop.md has the same."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

GOES_ON = "goes on"


@dataclass(frozen=True)
class Consequence:
    """What Headrace makes of it.

    Attributes:
        worker: what one does that was at work meanwhile.
        started: what one does that is started afterwards.
        maintenance: what `headrace maintain --once` does then.
        verify: its verdict in the end, and the codes of what it found.
    """

    worker: str
    started: str
    maintenance: str
    verify: str


@dataclass(frozen=True)
class ForeignWrite:
    """One thing that another tool may do to a table.

    Attributes:
        title: as the page has it.
        statements: SQL; `{t}` is the table. None writes a checkpoint.
        appended: what follows of a table of all rows.
        latest: what follows of a table of latest rows.
    """

    title: str
    statements: Sequence[str]
    appended: Consequence
    latest: Consequence

    @property
    def lines(self) -> Sequence[Sequence[str]]:
        """The cells of the page's table: one line for both kinds of tables where they do not differ."""
        if self.appended == self.latest:
            return [[self.title, "both", *astuple(self.appended)]]
        kinds = (("all rows", self.appended), ("latest rows", self.latest))
        return [[self.title, kind, *astuple(each)] for kind, each in kinds]


def _ends(code: int) -> str:
    return f"ends with {code}"


def _harmless(verify: str = "PASS") -> Consequence:
    return Consequence(GOES_ON, GOES_ON, GOES_ON, verify)


def _raised(verify: str = "PASS") -> Consequence:
    """The protocol asks for what Headrace does not know."""
    return Consequence(_ends(73), _ends(73), _ends(73), verify)


def _set(**properties: str) -> str:
    named = ", ".join(f"'delta.{name}' = '{value}'" for name, value in properties.items())
    return f"ALTER TABLE {{t}} SET TBLPROPERTIES ({named})"


_CHANGED = _harmless("FAIL: `foreign_commit`, `value_differs`")
_WIDENED = Consequence(GOES_ON, _ends(73), GOES_ON, "UNKNOWN: `not_compared`")
_FORGETFUL = Consequence(GOES_ON, _ends(83), GOES_ON, "PASS")
_LOST = "FAIL: `foreign_commit`, `lost`"
_DOUBLED = "FAIL: `duplicate`, `foreign_commit`"
_UNREADABLE = _raised("UNKNOWN: `unsupported`")

FOREIGN_WRITES = (
    ForeignWrite("`OPTIMIZE`", ["OPTIMIZE {t}"], _harmless(), _harmless()),
    ForeignWrite("`OPTIMIZE … ZORDER BY`", ["OPTIMIZE {t} ZORDER BY (quantity)"], _harmless(), _harmless()),
    ForeignWrite("`REORG … APPLY (PURGE)`", ["REORG TABLE {t} APPLY (PURGE)"], _harmless(), _harmless()),
    ForeignWrite("`VACUUM`", ["VACUUM {t}"], _harmless(), _harmless()),
    ForeignWrite("a checkpoint", [], _harmless(), _harmless()),
    ForeignWrite(
        "a property of your own", ["ALTER TABLE {t} SET TBLPROPERTIES ('desk' = 'risk')"], _harmless(), _harmless()
    ),
    ForeignWrite(
        "a job appends rows",
        ["INSERT INTO {t} SELECT * FROM {t} WHERE _partition = 0"],
        _harmless(_DOUBLED),
        Consequence(_ends(84), _ends(84), GOES_ON, _DOUBLED),
    ),
    ForeignWrite(
        "`INSERT OVERWRITE`",
        ["INSERT OVERWRITE {t} SELECT * FROM {t}"],
        _harmless("FAIL: `foreign_commit`"),
        _harmless("FAIL: `foreign_commit`"),
    ),
    ForeignWrite(
        "`DELETE`", ["DELETE FROM {t} WHERE _partition = 0"], _harmless(_LOST), _harmless(f"{_LOST}, `outdated`")
    ),
    ForeignWrite("`UPDATE`", ["UPDATE {t} SET quantity = 1 WHERE _partition = 0"], _CHANGED, _CHANGED),
    ForeignWrite(
        "`MERGE`",
        [
            "MERGE INTO {t} t USING (SELECT * FROM {t} WHERE _partition = 1) s "
            "ON t._partition = s._partition AND t._offset = s._offset WHEN MATCHED THEN UPDATE SET note = 'merged'"
        ],
        _CHANGED,
        _CHANGED,
    ),
    ForeignWrite(
        "`RESTORE` to an older version",
        ["RESTORE TABLE {t} TO VERSION AS OF 3"],
        _harmless(_LOST),
        _harmless("FAIL: `foreign_commit`, `outdated`, `phantom`"),
    ),
    ForeignWrite("`ADD COLUMNS`", ["ALTER TABLE {t} ADD COLUMNS (remark STRING)"], _WIDENED, _WIDENED),
    ForeignWrite(
        "column mapping, `RENAME COLUMN`",
        [_set(**{"columnMapping.mode": "name"}), "ALTER TABLE {t} RENAME COLUMN note TO remark"],
        _UNREADABLE,
        _UNREADABLE,
    ),
    ForeignWrite(
        "deletion vectors, `DELETE`",
        [_set(enableDeletionVectors="true"), "DELETE FROM {t} WHERE _partition = 0 AND _offset % 3 = 0"],
        _UNREADABLE,
        _harmless(f"{_LOST}, `outdated`"),
    ),
    ForeignWrite("`CHECK`", ["ALTER TABLE {t} ADD CONSTRAINT some CHECK (quantity > 0)"], _raised(), _raised()),
    ForeignWrite("`delta.appendOnly`", [_set(appendOnly="true")], _harmless(), _raised()),
    ForeignWrite("`delta.enableChangeDataFeed`", [_set(enableChangeDataFeed="true")], _raised(), _raised()),
    ForeignWrite("`delta.enableRowTracking`", [_set(enableRowTracking="true")], _raised(), _UNREADABLE),
    ForeignWrite("`delta.enableInCommitTimestamps`", [_set(enableInCommitTimestamps="true")], _raised(), _raised()),
    ForeignWrite("`delta.checkpointPolicy` = `v2`", [_set(checkpointPolicy="v2")], _raised(), _raised()),
    ForeignWrite(
        "`delta.setTransactionRetentionDuration`",
        [_set(setTransactionRetentionDuration="interval 1 days")],
        _FORGETFUL,
        _FORGETFUL,
    ),
)
