"""`headrace tables delete TABLE`."""

import sys
from typing import Annotated

import typer

from headrace.errors import ConfigError, HeadraceError
from headrace.lake.by_hand.deleting import deletable, delete
from headrace.lake.by_hand.opening import is_fed, opened
from headrace.lake.store import Store
from headrace.lake.tables import TOPIC
from headrace.settings import load_settings


def delete_command(
    table: Annotated[str, typer.Argument(help="The table.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
) -> None:
    """Delete a table with all its versions, and its quarantine. Asks for its name; nothing brings it back."""
    store = Store(load_settings().lake.root)
    found = deletable(store, table)
    told = _told(store, table, found)
    for line in told:
        typer.secho(line, bold=True, err=True)
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            msg = f"nobody can be asked here, and {table} was not deleted: add --yes"
            raise ConfigError(msg)
        sure = len(told) == 1 or typer.confirm("Are its workers stopped, and shall it go?", err=True)
        if not sure or typer.prompt("Its name, to delete it", default="", show_default=False, err=True) != table:
            typer.echo("Nothing was deleted.", err=True)
            raise typer.Abort
    typer.echo(f"deleted {', '.join(delete(store, table, confirm=table).tables)}")


def _told(store: Store, table: str, found: tuple[str, ...]) -> list[str]:
    lines = [f"{' and '.join(map(store.uri, found))} will be deleted, with all versions, for good."]
    topic = _topic(store, table, found)
    if topic is not None:
        lines.append(
            f"Workers fill it from topic {topic}: stop them first, they would fail. The next one that starts makes the "
            "table anew and begins where HEADRACE_INGEST__START says, by default at the first record that the topic "
            "still has: what retention has deleted there is gone then."
        )
    return lines


def _topic(store: Store, table: str, found: tuple[str, ...]) -> str | None:
    """The topic that fills it; None if nothing does, or it cannot be told any more."""
    try:
        log = opened(store, found[0])
    except HeadraceError:
        return None
    return log.properties.get(TOPIC, table) if is_fed(log) else None
