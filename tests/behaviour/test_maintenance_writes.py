"""How often bytes of a real table are written again, told by its log."""

import json
from datetime import UTC, datetime, timedelta

from headrace.lake.upkeep.lease import record_path
from headrace.metrics import maintenance
from headrace.sections import MaintainSettings
from headrace_cli.maintain import told
from tests.behaviour.upkeep import COLD, age_log, feed, files, maintain, outcomes, rounds_of
from tests.behaviour.world import TABLE, World


def appended(world: World) -> int:
    """Bytes that commits of workers brought, counted here."""
    total = 0
    for path in (world.root / TABLE / "_delta_log").glob("*.json"):
        for line in path.read_text().splitlines():
            add = json.loads(line).get("add")
            total += add["size"] if add and add["dataChange"] else 0
    return total


def test_a_table_that_is_merged_as_it_grows_and_sealed_at_the_end_is_written_again_at_most_four_times(
    memory_world: World,
) -> None:
    written = 0
    for _ in range(4):
        feed(memory_world, 8)
        written += sum(done.written for done in maintain(memory_world)[TABLE].done)
    feed(memory_world, 3)
    with rounds_of(memory_world, COLD) as rounds:
        found = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
        registry = rounds._metrics.registry
    written += sum(done.written for done in found.done)

    assert files(memory_world)[0].startswith("date=2026-03-02/sealed-")
    assert found.day is not None
    assert (found.day.appended, found.day.rewritten) == (appended(memory_world), written)
    report = told(found)
    assert report["amplification"] == found.day.amplification == written / appended(memory_world)
    assert found.day.amplification <= MaintainSettings().amplification
    shown = registry.get_sample_value(maintenance.AMPLIFICATION.name, {"table": TABLE})
    assert shown == found.day.amplification
    assert registry.get_sample_value(maintenance.THRIFTY.name, {"table": TABLE}) == 0
    memory_world.assert_exact()


def test_too_much_slows_maintenance_down_until_the_day_is_over(memory_world: World) -> None:
    feed(memory_world, 8)
    maintain(memory_world)
    path = memory_world.root / record_path(TABLE)
    record = json.loads(path.read_text())
    hours = record["writes"]["hours"]
    hour, came = hours[-1][0], sum(each[1] for each in hours)
    record["writes"]["hours"] = [[hour, came, 9 * came]]  # as if all of it had been written again nine times
    path.write_text(json.dumps(record))
    feed(memory_world, 9)

    with rounds_of(memory_world) as rounds:
        found = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
        registry = rounds._metrics.registry

    assert (told(found)["thrifty"], outcomes(found)) == (True, [])  # not yet twice as many files as have to gather
    assert registry.get_sample_value(maintenance.THRIFTY.name, {"table": TABLE}) == 1
    with rounds_of(memory_world, COLD) as rounds:
        (waiting,) = {each.table: each for each in rounds.look()}[TABLE].plan.waiting
    assert waiting.endswith("wait until less than 4 bytes a day are written again for each that comes")

    age_log(memory_world, days=2)
    path.unlink()  # what it counted of the day is in there
    found = maintain(memory_world)[TABLE]
    assert found.day is not None
    assert found.day.appended == 0
    assert ("compact", "done") in outcomes(found)
    memory_world.assert_exact()


def test_sealing_and_the_search_for_orphans_wait_for_quiet_hours_and_merging_does_not(memory_world: World) -> None:
    feed(memory_world, 9)
    now = datetime.now(UTC)
    busy, quiet = (f"{now + timedelta(hours=h):%H:%M}-{now + timedelta(hours=h + 2):%H:%M} UTC" for h in (7, 2))

    found = maintain(memory_world, quiet_hours=busy)[TABLE]
    assert outcomes(found) == [("compact", "done")]
    assert found.plan.waiting == (f"1 orphans wait for the quiet hours {busy}",)
    feed(memory_world, 3)
    found = maintain(memory_world, COLD, quiet_hours=busy)[TABLE]
    assert outcomes(found) == []
    assert found.plan.waiting[0].startswith("1 seal, 1 orphans (4 files, ")

    assert outcomes(maintain(memory_world, COLD, quiet_hours=quiet)[TABLE]) == [("seal", "done"), ("orphans", "done")]
    memory_world.assert_exact()
