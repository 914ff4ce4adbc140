"""Spark with Delta Lake reads and writes the tables of workers: `make interop`, outside CI."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.lake.schema import quarantine_schema
from headrace.testing.waiting import wait_until
from tests.behaviour.latest import LatestWorld
from tests.behaviour.upkeep import COLD, rounds_of
from tests.behaviour.world import TABLE, World
from tests.interop.engines import assert_types, in_order, own
from tests.interop.kinds import KINDS, QUARANTINE, ingested, schema_of, send, send_latest, upserted
from tests.interop.spark.foreign import FOREIGN_WRITES, GOES_ON, Consequence, ForeignWrite
from tests.interop.spark.session import Spark, started

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    with started(tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.mark.parametrize("kind", KINDS)
def test_spark_reads_the_rows_that_verify_reads(tmp_path: Path, spark: Spark, kind: str) -> None:
    world = KINDS[kind](tmp_path)
    tables = [(TABLE, schema_of(world))] + ([(QUARANTINE, quarantine_schema())] if kind == "replay" else [])
    for name, schema in tables:
        found = spark.rows(f"SELECT * FROM delta.`{world.root / name}`")
        assert_types(found.schema, schema)
        assert in_order(found) == own(world.root / name, schema)


@pytest.mark.parametrize("write", FOREIGN_WRITES, ids=lambda write: write.title.strip("`"))
@pytest.mark.parametrize("kind", ["appended", "latest"])
def test_a_foreign_write_has_the_consequence_that_the_page_names(
    tmp_path: Path, spark: Spark, write: ForeignWrite, kind: str
) -> None:
    world = ingested(tmp_path) if kind == "appended" else upserted(tmp_path)
    assert consequence(world, spark, write) == getattr(write, kind)


def consequence(world: World, spark: Spark, write: ForeignWrite) -> Consequence:
    """Lets Spark write beside a worker, then everything else have its turn."""
    send_more = partial(send_latest if isinstance(world, LatestWorld) else send, world)
    running = world.running(flush_seconds=0.05, quarantine_max_ratio=1.0).start()
    send_more(1000, 20)
    wait_until(lambda: landed(world), "what was sent before lands")
    do(spark, write, world.root / TABLE)
    send_more(2000, 20)
    wait_until(lambda: not running.alive or landed(world), "what was sent after lands, or the worker ends")
    worker = fate(running.stop)
    send_more(3000, 20)
    return Consequence(
        worker, fate(lambda: world.drain(quarantine_max_ratio=1.0)), fate(lambda: keep_up(world)), proved(world)
    )


def do(spark: Spark, write: ForeignWrite, table: Path) -> None:
    """Writes as told."""
    for statement in write.statements:
        spark.run(statement.format(t=f"delta.`{table}`"))
    if not write.statements:
        spark.checkpoint(table)


def landed(world: World) -> bool:
    """Whether the table's positions are past all that is in the topic."""
    positions = world.positions()
    return all(offset < positions.get(partition, 0) for partition, offset in world.topic.records)


def fate(step: Callable[[], object]) -> str:
    """How something ends."""
    try:
        step()
    except HeadraceError as failure:
        return f"ends with {failure.exit_code}"
    return GOES_ON


def keep_up(world: World) -> None:
    """`headrace maintain --once`, when all partitions have come to rest."""
    with rounds_of(world, COLD) as rounds:
        for found in rounds.go(lambda: False):
            if found.problem is not None:
                raise found.problem
            assert {done.outcome for done in found.done} <= {"done"}, found.done


def proved(world: World) -> str:
    """What `headrace verify` says."""
    report = world.prove()
    found = ", ".join(f"`{code}`" for code in sorted(report.counts))
    return f"{report.verdict}: {found}" if found else str(report.verdict)
