"""`headrace maintain`."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape

from headrace.errors import HeadraceError, InvariantError, TransientError
from headrace.logs import configure_logs, get_logger
from headrace.settings import load_settings, unknown_variables
from headrace_cli.console import print_json, print_table, wide_console
from headrace_maintenance.jobs import Job
from headrace_maintenance.report import Done
from headrace_maintenance.rounds import TableRound
from headrace_maintenance.wiring import look, maintain, maintain_once

app = typer.Typer(add_completion=False)

_COLUMNS = ("table", "version", "files", "size", "again", "job", "partition", "outcome", "why")
_LEFT = ("table", "job", "partition", "outcome", "why")


@app.command()
def maintain_command(
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Only this table and its quarantine; may be repeated.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, and end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what is due and why; change nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --once or --dry-run: print JSON; its keys are in docs/maintenance.md.")
    ] = False,
) -> None:
    """Keep tables quick to read: merge small files, delete expired ones, write checkpoints. Changes no row.

    Runs beside the workers until stopped. One process maintains a table at a time; a second one says who does.
    """
    if as_json and not (once or dry_run):
        msg = "a process that runs until it is stopped prints no report: add --once or --dry-run"
        raise typer.BadParameter(msg, param_hint="--json")
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    for name in unknown_variables():
        get_logger(__name__).warning("unknown_setting", variable=name)
    names = tuple(table or ())
    if not (once or dry_run):
        maintain(settings, names)
        return
    found = look(settings, names) if dry_run else maintain_once(settings, names)
    if as_json:
        print_json({"tables": list(map(told, found))})
    else:
        _show(found)
    raise typer.Exit(worst_exit_code([each.problem for each in found if each.problem]))


def worst_exit_code(problems: Sequence[HeadraceError]) -> int:
    """Exit code of the one that is worst: rows in doubt, then what needs somebody, then what passes; 0 for none."""
    worst = max(
        problems,
        key=lambda each: (isinstance(each, InvariantError), not isinstance(each, TransientError), each.exit_code != 75),
        default=None,
    )
    return 0 if worst is None else worst.exit_code


def told(found: TableRound) -> dict[str, object]:
    """One table as JSON."""
    before, day = found.look and found.look.stats, found.day
    after = found.after or before
    tried = {id(done.job): done for done in found.done}
    return {
        "table": found.table,
        "version": after and after.version,
        "files": before and len(before.files),
        "files_after": after and len(after.files),
        "bytes": before and before.size,
        "bytes_after": after and after.size,
        "appended_bytes": day and day.appended,
        "rewritten_bytes": day and day.rewritten,
        "amplification": day and day.amplification,
        "thrifty": found.look and found.look.thrifty,
        "jobs": [told_job(job, tried.get(id(job))) for job in found.plan.jobs],
        "waiting": list(found.plan.waiting),
        "unmergeable": found.plan.unmergeable,
        "problem": found.problem and str(found.problem),
        "exit_code": found.problem.exit_code if found.problem else 0,
    }


def told_job(job: Job, done: Done | None) -> dict[str, object]:
    """One job as JSON; `done` is None where it was not tried."""
    return {
        "job": job.kind.value,
        "partition": job.value,
        "reason": job.reason,
        "files": len(job.files),
        "bytes": job.size,
        "outcome": done and done.outcome,
        "told": done and done.told,
        "made": done and done.version,
        "written_bytes": done and done.written,
        "deleted": done and done.deleted,
        "conflicts": done and done.conflicts,
        "seconds": done and done.seconds,
    }


def _show(found: Sequence[TableRound]) -> None:
    console = wide_console()
    print_table(console, _COLUMNS, [row for each in found for row in _rows(each)], left=_LEFT)
    for each in found:
        for note in filter(None, (*each.plan.waiting, each.plan.unmergeable)):
            console.print(f"{escape(each.table)}: {escape(note)}")
        if each.problem is not None:
            console.print(f"{escape(each.table)}: [red]{escape(str(each.problem))}[/]")


def _rows(found: TableRound) -> list[tuple[object, ...]]:
    if found.look is None:
        return []
    before, after = found.look.stats, found.after
    files = f"{len(before.files)}" + (f" → {len(after.files)}" if after else "")
    again = found.day and found.day.amplification
    head = (
        found.table,
        str((after or before).version),
        files,
        decimal((after or before).size),
        again and f"{again:.1f}",
    )
    tried = {id(done.job): done for done in found.done}
    rows: list[tuple[object, ...]] = []
    for job in found.plan.jobs:
        done = tried.get(id(job))
        why = job.reason + (f"; {done.told}" if done and done.told else "")
        rows.append((*head, job.kind.value, job.value, done.outcome if done else "due", why))
        head = ("", "", "", "", "")
    return rows or [(*head, "nothing is due" if found.problem is None else None, None, "", "")]
