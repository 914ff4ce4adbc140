"""What `headrace health` says of tables that real workers made, whether or not anything maintains them."""

import json
from typing import Any

from headrace.lake.quarantine import quarantine_name
from headrace.metrics import tables
from tests.behaviour.exporting import exported
from tests.behaviour.upkeep import age_removals, feed, maintain
from tests.behaviour.world import TABLE, Command, World


def told(world: World, command: Command) -> dict[str, dict[str, Any]]:
    _code, out = command(world, "health", "--json")
    return {each["table"]: each for each in json.loads(out)["tables"]}


def neglected(world: World) -> World:
    """A world whose table owes the deletion of files that were merged long ago, and are most of its bytes."""
    feed(world, 12)
    maintain(world)
    age_removals(world, days=10)
    return world


def test_a_table_that_was_never_maintained_may_be_well(memory_world: World, command: Command) -> None:
    feed(memory_world, 3)

    code, out = command(memory_world, "health", TABLE)

    assert code == 0
    version = memory_world.table().version()
    assert out.startswith(f"{TABLE}, version {version}: ")
    assert out.splitlines()[0].endswith(" of 100, green")
    assert f"\n{quarantine_name(TABLE)}, version " in out


def test_a_table_that_is_neglected_says_what_it_lacks_and_what_to_do(memory_world: World, command: Command) -> None:
    code, out = command(neglected(memory_world), "health", TABLE)

    assert code == 1
    assert out.splitlines()[0].endswith(" of 100, red")
    assert "12 expired files, " in out
    assert "\n  expired → run headrace maintain" in out


def test_maintenance_gives_points_back_and_metrics_say_the_same(memory_world: World, command: Command) -> None:
    before = told(neglected(memory_world), command)[TABLE]

    maintain(memory_world)
    after = told(memory_world, command)[TABLE]

    assert (before["colour"], after["colour"]) == ("red", "green")
    points = {part["part"]: part["points"] for part in after["parts"] if part["weight"]}
    assert points["expired"] == 10
    assert after["score"] == round(sum(points.values()), 1) > before["score"] + 9
    with exported(memory_world) as shown:
        assert shown.value(tables.HEALTH) == after["score"]
        assert shown.series(tables.HEALTH_POINTS) == {(part,): value for part, value in points.items()}


def test_a_table_that_cannot_be_read_hides_no_other(memory_world: World, command: Command) -> None:
    feed(memory_world, 1)
    (memory_world.root / TABLE / "_delta_log" / f"{0:020d}.json").unlink()

    code, out = command(memory_world, "health")

    assert code == told(memory_world, command)[TABLE]["exit_code"] > 1
    assert f"{quarantine_name(TABLE)}, version " in out
