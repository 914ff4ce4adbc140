"""What a peer is to the harness: something to install, to start, to kill, and a table to look at from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PARTITION, OFFSET, STAMP = "_partition", "_offset", "_kafka_timestamp"
"""Columns that every peer keeps beside the event: where the record stood, and the time Kafka gave it."""


class PeerError(Exception):
    """A peer could not be installed or did not do its work; the message says why."""


@dataclass(frozen=True)
class Job:
    """What one peer is to do, the same for each of them.

    Args:
        servers: the broker, `host:port`.
        topic: what to read, from its beginning.
        folder: for the table and whatever else the peer keeps; empty at first.
        name: unique; for groups, connectors and control topics.
        commit_seconds: how long records may wait for their commit.
        commit_rows: how many records a commit holds at most.
        backlog: whether the topic is full already, or filled at a steady rate.
    """

    servers: str
    topic: str
    folder: Path
    name: str
    commit_seconds: float
    commit_rows: int
    backlog: bool


@dataclass(frozen=True)
class Command:
    """How a peer's process is started; again with the same command after a crash."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Commit:
    """Rows that readers see since `at`, in seconds of Unix time."""

    at: float
    rows: int


@dataclass(frozen=True)
class DataFile:
    """A Parquet file that is part of the table, and since when."""

    path: str
    committed_at: float


class Table(Protocol):
    """A table as others see it; nothing here runs the peer's own code."""

    def commits(self) -> list[Commit]:
        """Those that brought rows, oldest first, from metadata alone; cheap, asked many times a second."""

    def files(self) -> list[DataFile]:
        """Files of the newest version, as an independent reader of the format lists them."""


class Peer(Protocol):
    """One way from a topic into a table."""

    name: str
    """As given on the command line."""
    title: str
    """For the head of its column."""
    keeps_rows: bool
    """Whether it has a table at all."""

    def install(self) -> dict[str, str]:
        """Makes its environment unless it is there; returns names and versions.

        Raises:
            PeerError: this machine cannot have it.
        """

    def settings(self) -> dict[str, str]:
        """Those that differ from its defaults, in the peer's own words."""

    def prepare(self, job: Job) -> None:
        """Makes what must exist before the first start: tables, control topics, files of settings."""

    def command(self, job: Job) -> Command:
        """How to start it, the first time and after a crash."""

    def table(self, job: Job) -> Table:
        """Where its rows arrive."""
