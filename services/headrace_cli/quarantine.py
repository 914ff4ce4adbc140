"""`headrace quarantine list|show|replay`."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from headrace.contracts import RejectReason
from headrace.read.quarantine import QuarantineReader
from headrace.settings import load_settings
from headrace_cli.console import cell, print_json, wide_console
from headrace_cli.replay import replay_command

app = typer.Typer(
    add_completion=False, help="Look at records that could not become rows, and bring them home.", no_args_is_help=True
)
app.command("replay")(replay_command)

TableName = Annotated[str, typer.Argument(help="The table whose quarantine to look at.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_command(
    table: TableName,
    reason: Annotated[RejectReason | None, typer.Option(help="Only records with this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Print at most this many records, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Count quarantined records by reason, and list the newest."""
    reader = _reader(table)
    counts, replayed, newest = reader.counts(), reader.resolved(), reader.newest(limit, reason=reason)
    if as_json:
        print_json({"table": table, "counts": counts, "resolved": replayed, "records": newest})
        return
    console = wide_console()
    more = f", {replayed:,} more were replayed" if replayed else ""
    console.print(f"{table}: {sum(counts.values()):,} records in quarantine{more}")
    for name, count in counts.items():
        console.print(f"  {name:<22} {count:>10,}")
    if not newest:
        return
    shown = Table("partition", "offset", "quarantined at", "reason", "detail", box=None, pad_edge=False)
    for row in newest:
        resolved = f" [dim]({row['resolution']})[/]" if row["resolution"] else ""
        shown.add_row(
            str(row["partition"]),
            str(row["offset"]),
            cell(row["quarantined_at"]),
            str(row["reason"]),
            escape(str(row["detail"])) + resolved,
        )
    console.print(shown)


@app.command("show")
def show_command(
    table: TableName,
    partition: Annotated[int, typer.Argument(min=0, help="Kafka partition.")],
    offset: Annotated[int, typer.Argument(min=0, help="Kafka offset.")],
    as_json: AsJson = False,
) -> None:
    """Show one quarantined record whole: value, key, headers, and what is wrong with it."""
    record = _reader(table).record(partition, offset)
    if as_json:
        print_json(record)
        return
    console = wide_console()
    for name, value in record.items():
        console.print(f"[bold]{name:<18}[/] {escape(str(value))}")


def _reader(table: str) -> QuarantineReader:
    return QuarantineReader(load_settings().lake.root, table)
