"""Simulated events go among the records of others only where somebody agreed; where nobody can be asked, it is told."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import closing

import typer

from headrace.connection import KafkaSettings
from headrace.errors import TopicMissingError
from headrace.kafka.topics import TopicClient


def agree_to_simulated_events(kafka: KafkaSettings, topics: Iterable[str]) -> None:
    """Asks on a terminal, and says it in one line elsewhere, where topics have or had records; else does nothing.

    Args:
        kafka: the cluster that the events would go to.
        topics: which they would go to; those that do not exist yet are nobody's.

    Raises:
        typer.Abort: whoever was asked did not agree.
        HeadraceError: the cluster cannot be asked.
    """
    used = _used(kafka, topics)
    if not used:
        return
    named = ", ".join(f"{topic} ({records:,} records)" for topic, records in used.items())
    told = f"simulated events go among what is there already at {kafka.bootstrap_servers}: {named}."
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        typer.secho(f"WARNING: {told}", bold=True, err=True)
        return
    typer.secho(f"{told} Whoever reads these topics takes them for real.", bold=True, err=True)
    if not typer.confirm("Send them?", err=True):
        typer.echo("Nothing was sent.", err=True)
        raise typer.Abort


def _used(kafka: KafkaSettings, topics: Iterable[str]) -> Mapping[str, int]:
    """How many records each topic holds; without those that never had one."""
    found = {}
    for topic in topics:
        with closing(TopicClient(kafka, topic)) as client:
            try:
                partitions = client.identity().partitions
            except TopicMissingError:
                continue
            kept = [client.watermarks(partition) for partition in range(partitions)]
        if any(offsets.end for offsets in kept):
            found[topic] = sum(offsets.end - offsets.start for offsets in kept)
    return found
