"""Data files that workers wrote to a table, and what maintenance made of them, from the table's own log."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group
from rich.filesize import decimal
from rich.table import Table

from headrace.lake.log import commit_path
from headrace.lake.store import Store
from headrace.read.proof.actions import parse_commit


@dataclass(frozen=True, slots=True)
class Debt:
    """Files and bytes of one table.

    Attributes:
        came: files that workers added.
        files: of the newest version.
        came_bytes: of all files that workers added.
        size: bytes of the newest version.
        rewritten: bytes of the files that these added.
    """

    came: int = 0
    files: int = 0
    came_bytes: int = 0
    size: int = 0
    rewritten: int = 0

    @property
    def amplification(self) -> float:
        """How often each byte was written again."""
        return self.rewritten / self.came_bytes if self.came_bytes else 0.0


class DebtWatch:
    """Follows one table; every commit is read once.

    Args:
        store: the lake.
        table: its folder.
    """

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self._table = table
        self._next = 0
        self._sizes: dict[str, int] = {}
        self._came = self._came_bytes = self._rewritten = 0

    def debt(self) -> Debt:
        """As of the newest commit."""
        while self._read_next():
            self._next += 1
        return Debt(
            came=self._came,
            files=len(self._sizes),
            came_bytes=self._came_bytes,
            size=sum(self._sizes.values()),
            rewritten=self._rewritten,
        )

    def _read_next(self) -> bool:
        try:
            content = self._store.read(commit_path(self._table, self._next))
        except FileNotFoundError:
            return False
        commit = parse_commit(self._next, content)
        for gone in commit.removes:
            self._sizes.pop(gone.path, None)
        self._sizes |= {file.path: file.size for file in commit.adds}
        stayed = {gone.path for gone in commit.removes}
        # A file of latest rows whose deletion vector changes is removed and added in one commit.
        for file in (file for file in commit.adds if file.path not in stayed):
            if file.data_change:
                self._came, self._came_bytes = self._came + 1, self._came_bytes + file.size
            else:
                self._rewritten += file.size
        return True


def debt_view(beside: Mapping[str, Debt], after: Mapping[str, Debt]) -> Group:
    """What came to each table and what was left of it, narrow enough for any terminal.

    Args:
        beside: when its workers stopped.
        after: when it had been sealed.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("table", style="bold", no_wrap=True)
    for name in ("files", "bytes", "rewritten", "amplification"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, debt in after.items():
        table.add_row(
            name,
            f"{debt.came:,} → {beside[name].files:,} → [green]{debt.files:,}[/]",
            f"{decimal(debt.came_bytes)} → {decimal(debt.size)}",
            decimal(debt.rewritten),
            f"{debt.amplification:.2f}",
        )
    said = "\nmaintenance: files that came → that were left beside the workers → sealed;"
    return Group(said, "amplification: bytes that were written again for each byte that came", table)
