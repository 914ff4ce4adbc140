"""`headrace history TABLE`."""

from typing import Annotated

import typer

from headrace.lake.store import Store
from headrace.read.history import CommitEntry, read_history
from headrace.settings import load_settings
from headrace_cli.console import print_json, print_table, wide_console

app = typer.Typer(add_completion=False)

_COLUMNS = ("version", "committed at (UTC)", "what", "rows", "rejects", "files", "batch", "worker", "offsets")
_LEFT = ("committed at (UTC)", "what", "batch", "worker", "offsets")
# What a page of commits has room for; `headrace audit version TABLE N` names all.
_NAMED_RANGES = 32


@app.command()
def history_command(
    table: Annotated[str, typer.Argument(help="The table; a quarantine has a history too.")],
    limit: Annotated[int, typer.Option(min=1, help="Print at most this many commits, newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """List a table's commits, newest first: when, what, by whom, and which offsets it brought."""
    history = read_history(Store(load_settings().lake.root), table, limit)
    if as_json:
        print_json(history)
        return
    console = wide_console()
    print_table(console, _COLUMNS, map(_cells, history.commits), left=_LEFT, wrapped="offsets")
    if history.older == "gone":
        console.print("Older commits are no longer retained.")


def _cells(commit: CommitEntry) -> tuple[object, ...]:
    return (
        str(commit.version),
        commit.committed_at,
        kind_of(commit),
        commit.rows,
        commit.rejects,
        files_of(commit),
        commit.batch and commit.batch[:8],
        commit.worker or commit.client,
        offsets_of(commit),
    )


def kind_of(commit: CommitEntry) -> str:
    """What a commit was; Delta's word for one that Headrace did not make."""
    if commit.empty:
        return "empty (power failure?)"
    return commit.kind or f"{commit.operation} (foreign)"


def files_of(commit: CommitEntry) -> str:
    """How many data files came, went, and lost rows."""
    removed = f" -{commit.files_removed}" if commit.files_removed else ""
    masked = f" ~{commit.files_masked}" if commit.files_masked else ""
    return f"+{commit.files_added}{removed}{masked}"


def offsets_of(commit: CommitEntry) -> str:
    """The offsets that a commit brought, as `partition: first-last`, or the partitions that it claimed."""
    if commit.claimed:
        return f"claims {', '.join(map(str, commit.claimed))}"
    named = [f"{r.partition}: {r.start}-{r.end - 1}" for r in commit.ranges if r.end > r.start]
    named += [f"{r.partition}: {len(r.offsets)} replayed" for r in commit.replayed]
    more = len(named) - _NAMED_RANGES
    return ", ".join(named[:_NAMED_RANGES]) + (f" and {more} partitions more" if more > 0 else "")
