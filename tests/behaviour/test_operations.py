"""What docs/operations.md tells people to do, done as it stands there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp
from headrace.contracts import contract_of
from headrace.read.proof.verify import Verifier
from tests.behaviour.world import TABLE, World, fill, poison

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"


def commands_under(heading: str) -> str:
    section = GUIDE.read_text().partition(f"\n{heading}\n")[2]
    return section.partition("```sh\n")[2].partition("```")[0]


def back_up(world: World, folder: Path) -> None:
    commands = commands_under("### Back up").replace("/data/lake", str(world.root)).replace("/backup/lake", str(folder))
    commands = re.sub(r"\btrades(?=\b|__)", TABLE, commands).partition("headrace verify")[0].rpartition("\n")[0]
    assert TABLE in commands
    subprocess.run(["sh", "-ec", commands], check=True, env=os.environ)


def test_a_backup_beside_a_worker_is_whole_and_work_goes_on_from_it(memory_world: World, tmp_path: Path) -> None:
    world, backup = memory_world, tmp_path / "backup"
    with world.running(flush_seconds=0.01, checkpoint_every=10):
        for round_ in range(4):
            world.await_landing(
                *world.topic.extend(
                    [poison(n) if n % 10 == 3 else fill(n) for n in range(round_ * 50, round_ * 50 + 50)]
                )
            )
            world.topic.extend([poison(n) if n % 5 == 3 else fill(n) for n in range(1_000, 1_200)])
            back_up(world, backup)
            report = Verifier(backup, {TABLE: world.contract}, world.topic.truth(tmp_path)).verify(TABLE)
            assert report.verdict == "PASS", report.findings
        world.await_landing(*world.topic.records)
        world.await_landing(world.topic.append(fill(2_000)))  # in no backup, whoever was faster
    later = world.table().version()
    shutil.rmtree(world.root)
    shutil.copytree(backup, world.root)
    assert world.table().version() < later
    world.drain()
    world.assert_exact()


def test_a_contract_with_a_further_field_fills_a_new_table_from_the_same_topic(memory_world: World) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(20)])
    world.drain()

    class Fill(
        Event, topic=world.topic.name, key="symbol", table=Table(name="fills_v2", partition_by="date"), schema_version=2
    ):
        """The same with a venue."""

        fill_id: EventId
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp
        venue: Symbol | None = None

    world.contract = contract_of(Fill)
    world.topic.append(fill(20).replace(b"}", b',"venue":"XCBO"}'))
    world.drain(group="another")
    assert [row["venue"] for row in sorted(world.rows("fills_v2"), key=lambda row: row["fill_id"])].count(None) == 20
    assert {row["venue"] for row in world.rows("fills_v2")} == {None, "XCBO"}
    assert len(world.rows()) == 20
