"""Tables that maintenance leaves alone until somebody looked: rows would have changed, or its record is torn."""

import re

import pyarrow as pa
import pytest

from headrace.errors import InvariantError, WrongTableError
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.upkeep import compaction
from headrace.lake.upkeep.lease import record_path, take_lease
from headrace.metrics import maintenance
from headrace.testing.manual_clock import ManualClock
from tests.behaviour.upkeep import (
    COLD,
    files,
    fragmented,
    last_success,
    maintain,
    outcomes,
    pass_a_minute,
    rounds_of,
)
from tests.behaviour.world import TABLE, World


def test_rows_that_would_change_are_noticed_before_any_log_names_them(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(fragmented(memory_world))
    monkeypatch.setattr(compaction, "curve_order", lambda rows, _columns: pa.array(range(1, rows.num_rows)))

    with pytest.raises(InvariantError, match="does not hold the rows it was made of"):
        maintain(memory_world, COLD)
    monkeypatch.undo()
    with pytest.raises(InvariantError, match="is not maintained since this was found"):
        maintain(memory_world, COLD)

    assert files(memory_world) == before
    memory_world.assert_exact()
    for name in (TABLE, quarantine_name(TABLE)):
        (memory_world.root / record_path(name)).unlink()
    maintain(memory_world, COLD)
    assert len(files(memory_world)) == 1


def test_a_process_that_goes_on_leaves_a_table_alone_in_which_rows_differed_until_somebody_looked(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(fragmented(memory_world))

    with rounds_of(memory_world, COLD) as rounds:
        monkeypatch.setattr(compaction, "curve_order", lambda rows, _columns: pa.array(range(1, rows.num_rows)))
        first = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
        monkeypatch.undo()
        metrics = rounds._metrics.registry
        since = last_success(rounds)
        pass_a_minute(rounds)
        second = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
        assert [isinstance(each.problem, InvariantError) for each in (first, second)] == [True, True]
        assert (second.done, files(memory_world)) == ((), before)
        assert metrics.get_sample_value(maintenance.BLOCKED.name, {"table": TABLE}) == 1
        assert last_success(rounds) == since

        (memory_world.root / record_path(TABLE)).unlink()
        third = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
        assert ("seal", "done") in outcomes(third)
        assert metrics.get_sample_value(maintenance.BLOCKED.name, {"table": TABLE}) == 0


def test_a_dry_run_says_what_keeps_a_table_from_being_maintained(memory_world: World) -> None:
    fragmented(memory_world)
    with rounds_of(memory_world) as first, rounds_of(memory_world) as second:
        first.go(lambda: False)
        held = {each.table: each for each in second.look()}[TABLE]
    lease = take_lease(Store(str(memory_world.root)), TABLE, "one/1", ManualClock())
    lease.block("rows differ")
    lease.release()
    with rounds_of(memory_world) as rounds:
        blocked = {each.table: each for each in rounds.look()}[TABLE]

    assert held.problem is None
    assert re.match(rf"{TABLE} is maintained by \S+/\d+ since 20\d\d-", held.plan.waiting[0])
    assert isinstance(blocked.problem, InvariantError)
    assert blocked.look is not None


def test_a_record_that_cannot_be_understood_keeps_only_its_table_from_being_maintained(memory_world: World) -> None:
    before = files(fragmented(memory_world))
    record = memory_world.root / record_path(TABLE)
    record.parent.mkdir()
    record.write_text('{"epoch": 3, "setbacks": [{"size": 1}]}')

    with rounds_of(memory_world) as rounds:
        found = {each.table: each for each in rounds.go(lambda: False)}

    assert isinstance(found[TABLE].problem, WrongTableError)
    assert "maintenance.json cannot be understood" in str(found[TABLE].problem)
    assert f"Run headrace verify {TABLE}; when the table is right, delete that file" in str(found[TABLE].problem)
    assert files(memory_world) == before
    assert found[quarantine_name(TABLE)].done
