"""Maintenance of tables that workers made, alone and beside everything else that may be at work."""

import re
from datetime import timedelta

import pyarrow as pa
import pytest
from deltalake import QueryBuilder, write_deltalake

from headrace.contracts import Trade, contract_of
from headrace.errors import MaintenanceHeldError, StoreError, WrongTableError
from headrace.lake.layouts import file_layout
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.upkeep import compaction
from headrace.lake.upkeep.compaction import Exchanger, Merge, rewrite_files
from headrace.lake.upkeep.stats import gather
from headrace.metrics import maintenance
from tests.behaviour.upkeep import (
    COLD,
    age_removals,
    feed,
    files,
    fragmented,
    last_success,
    leave_orphan,
    maintain,
    neglect,
    outcomes,
    pass_a_minute,
    rounds_of,
    stored,
)
from tests.behaviour.world import DAY, TABLE, World, fill, poison


def test_small_files_become_one_and_no_row_changes(memory_world: World) -> None:
    before = fragmented(memory_world, days=2).rows()
    assert len(files(memory_world)) == 24

    found = maintain(memory_world)

    assert len(files(memory_world)) == 2
    assert len(files(memory_world, quarantine_name(TABLE))) == 1
    assert ("compact", "done") in outcomes(found[TABLE])
    assert sorted(map(str, memory_world.rows())) == sorted(map(str, before))
    memory_world.assert_exact()


def test_a_cold_partition_is_sealed_once(memory_world: World) -> None:
    fragmented(memory_world, days=2)

    found = maintain(memory_world, COLD)

    assert [done[0] for done in outcomes(found[TABLE])].count("seal") == 2
    assert all("/sealed-" in path for path in files(memory_world))
    memory_world.assert_exact()
    assert outcomes(maintain(memory_world, COLD)[TABLE]) == []


def test_a_look_up_by_id_passes_by_what_maintenance_wrote_without_it(memory_world: World) -> None:
    fragmented(memory_world)
    before, after = passed_by_filters(memory_world, "fill-1x")
    assert before == after >= 1  # lies between the lowest and the highest id of files
    maintain(memory_world)

    assert passed_by_filters(memory_world, "fill-1x") == (1, 0)
    assert passed_by_filters(memory_world, "fill-7") == (1, 1)


def passed_by_filters(world: World, fill_id: str) -> tuple[int, int]:
    """Row groups that deltalake looks for that fill in by their statistics, and of them those with it by the filter."""
    tables = QueryBuilder().register("fills", world.table())
    plan = tables.execute(f"EXPLAIN ANALYZE SELECT price FROM fills WHERE fill_id = '{fill_id}'").read_all()
    found = re.search(r"row_groups_pruned_bloom_filter=(\d+) total → (\d+) matched", str(pa.table(plan)["plan"][0]))
    assert found is not None
    return int(found[1]), int(found[2])


def test_a_dry_run_says_what_is_due_and_changes_nothing(memory_world: World) -> None:
    fragmented(memory_world)
    before = stored(memory_world.root)

    with rounds_of(memory_world) as rounds:
        found = {each.table: each for each in rounds.look()}

    (job, *_) = found[TABLE].plan.jobs
    assert (job.kind.value, job.value, len(job.files)) == ("compact", DAY.date().isoformat(), 12)
    assert job.reason.startswith("8 files of like size or more: 12 files")
    assert stored(memory_world.root) == before


def test_a_second_process_is_told_who_maintains_the_table(memory_world: World) -> None:
    fragmented(memory_world)
    with rounds_of(memory_world) as first:
        first.go(lambda: False)

        with pytest.raises(MaintenanceHeldError, match=rf"{TABLE} is maintained by \S+/\d+ since 20\d\d-"):
            maintain(memory_world)

    assert outcomes(maintain(memory_world)[TABLE]) == []


def test_a_worker_goes_on_beside_maintenance(memory_world: World) -> None:
    with (
        memory_world.running(flush_seconds=0.02, checkpoint_every=10, quarantine_max_ratio=1.0),
        rounds_of(memory_world) as rounds,
    ):
        merged = 0
        for batch in range(40):
            sent = memory_world.topic.extend([*(fill(batch * 10 + n) for n in range(5)), poison(batch)])
            memory_world.await_landing(*sent)
            for found in rounds.go(lambda: False) if batch % 4 == 3 else ():
                assert found.problem is None
                merged += sum(done.job.kind.value == "compact" for done in found.done)

    assert merged >= 5
    memory_world.assert_exact()


def test_what_is_kept_for_nobody_is_deleted_and_the_table_goes_on(memory_world: World) -> None:
    orphan = neglect(memory_world)
    left = set(memory_world.root.rglob("*.parquet"))

    found = maintain(memory_world, checkpoint_versions=10)

    assert outcomes(found[TABLE]) == [
        ("compact", "done"),
        ("vacuum", "done"),
        ("checkpoint", "done"),
        ("clean_log", "done"),
    ]
    expired = left - set(memory_world.root.rglob("*.parquet"))
    assert len([path for path in expired if path.parent.name.startswith("date=")]) == 12
    assert orphan.exists()
    assert not (memory_world.root / TABLE / "_delta_log" / f"{0:020d}.json").exists()
    feed(memory_world, 2)
    memory_world.assert_exact()


def test_orphans_are_looked_for_once_a_week_and_deleted(memory_world: World) -> None:
    orphan = neglect(memory_world)

    found = maintain(memory_world, timedelta(days=8), compact_files=1000, urgent_files=1000, hot_minutes=1e6)

    assert ("orphans", "done") in outcomes(found[TABLE])
    assert not orphan.exists()
    memory_world.assert_exact()


def test_so_many_orphans_that_something_is_wrong_are_left_alone(memory_world: World) -> None:
    fragmented(memory_world)
    orphans = [leave_orphan(memory_world, name=TABLE, days=9, mark=str(number)) for number in range(21)]

    with rounds_of(memory_world) as rounds:
        first = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
        since = last_success(rounds)
        pass_a_minute(rounds)
        second = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
        assert last_success(rounds) == since

    (done,) = [done for done in first.done if done.job.kind.value == "orphans"]
    assert done.outcome == "aborted"
    assert done.told == (
        "21 files would go, and the table has 1, such as 0.parquet, 1.parquet, 10.parquet: look at them; "
        "HEADRACE_MAINTAIN__ORPHANS_MOST=21 allows it"
    )
    assert second.done == ()
    assert second.plan.waiting[0].startswith("orphans wait until 20")
    assert all(orphan.exists() for orphan in orphans)
    assert ("orphans", "done") in outcomes(maintain(memory_world, orphans_most=21)[TABLE])
    assert not any(orphan.exists() for orphan in orphans)


def test_a_position_that_did_not_begin_at_0_outlives_version_0(memory_world: World) -> None:
    memory_world.topic.extend([fill(number) for number in range(30)])
    memory_world.drain(start="latest")
    neglect(memory_world)

    maintain(memory_world, checkpoint_versions=10)

    assert not (memory_world.root / TABLE / "_delta_log" / f"{0:020d}.json").exists()
    assert [p.start for p in memory_world.prove().partitions] == [10, 10, 10]
    memory_world.assert_proved()


def test_a_table_whose_contract_is_not_known_keeps_its_files(memory_world: World) -> None:
    before = files(fragmented(memory_world))
    memory_world.contract = contract_of(Trade)

    found = maintain(memory_world)

    assert found[TABLE].plan.unmergeable == f"no contract named {TABLE} is known: set HEADRACE_CONTRACTS"
    assert files(memory_world) == before


def test_two_that_merge_the_same_files_at_once_do_not_double_them(memory_world: World) -> None:
    store = Store(str(fragmented(memory_world).root))
    layout = file_layout(memory_world.contract)
    merge = Merge(gather(store, TABLE).files, seal=False)

    made = [rewrite_files(store, layout, merge) for _ in range(2)]
    first, second = (Exchanger(store, TABLE, {}, lambda _seconds: None).exchange(merge, each) for each in made)

    assert first.version is not None
    assert second.version is None
    assert len(files(memory_world)) == 1
    memory_world.assert_exact()


class Forgetful(Store):
    """Creates a commit, and then does not say so, or says that somebody else did."""

    def __init__(self, root: str, *, says: bool | None) -> None:
        super().__init__(root)
        self._says = says

    def create(self, path: str, data: bytes) -> bool:
        super().create(path, data)
        if self._says is None:
            msg = "the answer was lost"
            raise StoreError(msg)
        return self._says


@pytest.mark.parametrize("says", [None, False])
def test_an_exchange_whose_answer_was_lost_is_found_in_the_log_and_checked(
    memory_world: World, says: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Forgetful(str(fragmented(memory_world).root), says=says)
    merge = Merge(gather(store, TABLE).files, seal=False)
    made = rewrite_files(store, file_layout(memory_world.contract), merge)
    checked: list[int] = []
    monkeypatch.setattr(compaction, "check_exchange", lambda _store, _before, version: checked.append(version))

    found = Exchanger(store, TABLE, {}, lambda _seconds: None).exchange(merge, made)

    assert [found.version] == checked == [memory_world.table().version()]
    assert len(files(memory_world)) == 1
    memory_world.assert_exact()


def test_what_a_stop_left_is_no_success_and_other_tools_tables_are_told_of(memory_world: World) -> None:
    feed(memory_world, 1)
    write_deltalake(memory_world.root / "else", pa.table({"a": [1]}))

    with rounds_of(memory_world, halted=True) as rounds:
        found = rounds.go(lambda: False)
        since = last_success(rounds)
        pass_a_minute(rounds)
        rounds.go(lambda: False)
        assert last_success(rounds) == since
        metrics = rounds._metrics.registry

    assert [each.table for each in found] == [TABLE, quarantine_name(TABLE)]
    assert metrics.get_sample_value(maintenance.LEFT_ALONE.name, {"table": "else"}) == 1


@pytest.mark.parametrize(("retention", "days", "due"), [(1, 6, False), (1, 8, True), (20, 19, False), (20, 21, True)])
def test_files_are_kept_as_long_as_the_table_says_and_never_less_than_a_week(
    memory_world: World, retention: int, days: int, due: bool
) -> None:
    # A checkpoint would keep the removals as young as they are.
    maintain(fragmented(memory_world), checkpoint_versions=100)
    age_removals(memory_world, days=days)
    kept = {"delta.deletedFileRetentionDuration": f"interval {retention} days"}
    memory_world.table().alter.set_table_properties(kept)

    found = maintain(memory_world, checkpoint_versions=100)

    assert outcomes(found[TABLE]) == ([("vacuum", "done")] if due else [])


def test_a_table_of_another_tool_is_not_touched(memory_world: World) -> None:
    fragmented(memory_world)
    for name in (TABLE, quarantine_name(TABLE)):
        log = memory_world.root / name / "_delta_log" / f"{0:020d}.json"
        log.write_text(log.read_text().replace('"headrace.pipeline"', '"else.pipeline"'))
    before = stored(memory_world.root)

    with pytest.raises(WrongTableError, match="Headrace did not create: it is left alone"):
        maintain(memory_world)

    assert stored(memory_world.root) == before
