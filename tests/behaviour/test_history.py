"""What `headrace history` and `headrace tables` say of tables that real workers made."""

import json
import os
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.errors import ConfigError, NoTableError, WrongTableError
from headrace.lake import Lake
from headrace.lake.store import Store
from headrace.read.history import read_history
from headrace.read.proof.findings import UnsupportedTableError
from headrace.read.summary import PartitionPosition, summarise
from headrace.read.whereabouts import locate
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, Command, World, fill, poison


@pytest.fixture
def world(memory_world: World) -> World:
    """A table of two batches, one of them with a reject, compacted by another tool."""
    memory_world.topic.extend([fill(n) for n in range(9)])
    memory_world.drain()
    memory_world.topic.extend([poison(n) if n == 4 else fill(n) for n in range(3, 6)])
    memory_world.drain()
    memory_world.table().optimize.compact()
    return memory_world


def store(world: World) -> Store:
    return Store(str(world.root))


def test_commits_are_told_newest_first_with_what_each_brought(world: World) -> None:
    found = read_history(store(world), TABLE, 100)
    assert [commit.version for commit in found.commits] == list(range(found.version, -1, -1))
    assert [commit.kind for commit in found.commits] == [None, "ingest", "claim", "ingest", "claim", "create"]
    second, first = (commit for commit in found.commits if commit.kind == "ingest")
    assert (first.rows, first.rejects, first.files_added) == (9, 0, 1)
    assert (second.rows, second.rejects) == (2, 1)
    assert [(r.partition, r.start, r.end) for r in second.ranges] == [(0, 3, 4), (1, 3, 4), (2, 3, 4)]
    assert second.worker == f"{socket.gethostname()}/{os.getpid()}"
    assert second.batch != first.batch
    claim = found.commits[2]
    assert (claim.claimed, claim.worker, claim.ranges) == ((0, 1, 2), second.worker, ())
    assert found.older is None


def test_the_lake_tells_the_same_of_each_commit(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    latest = LatestWorld("memory", MemoryTopic(1), tmp_path / "latest")
    for turn in range(3):
        for account in range(20 // (turn + 1)):
            latest.send(account, at=turn)
        latest.drain()
    for every in (world, latest):
        told = Lake(str(every.root)).history(TABLE)
        shown = read_history(store(every), TABLE, 100).commits
        assert [(c.version, c.committed_at, c.rows, c.files_added, c.files_removed) for c in told] == [
            (c.version, c.committed_at, c.rows, c.files_added, c.files_removed) for c in shown
        ]
    assert {commit.files_masked for commit in shown} == {0, 1}, "files of which rows were deleted"


def test_times_are_those_of_the_commits(memory_world: World) -> None:
    memory_world.topic.append(fill(1))
    before = datetime.now(UTC)
    memory_world.drain()
    newest = read_history(store(memory_world), TABLE, 1).commits[0]
    assert newest.committed_at is not None
    assert before - timedelta(milliseconds=1) <= newest.committed_at <= datetime.now(UTC)


def test_a_commit_of_another_tool_is_told_by_its_operation(world: World, command: Command) -> None:
    newest = read_history(store(world), TABLE, 1).commits[0]
    assert (newest.kind, newest.operation, newest.worker) == (None, "OPTIMIZE", None)
    assert (newest.rows, newest.files_added, newest.files_removed) == (0, 1, 2)
    code, out = command(world, "history", TABLE, "--limit", "2")
    assert code == 0
    assert [line.split()[3] for line in out.splitlines()[1:]] == ["OPTIMIZE", "ingest"]


def test_a_commit_of_many_partitions_is_one_whole_line_where_there_is_no_terminal(
    memory_world: World, command: Command
) -> None:
    world = memory_world
    world.topic.add_partitions(13)
    world.topic.extend([fill(number) for number in range(16)])
    world.drain()
    _code, out = command(world, "history", TABLE, "--limit", "2")
    _head, ingest, claim = out.splitlines()
    assert ingest.endswith(", ".join(f"{partition}: 0-0" for partition in range(16)))
    assert ingest.split()[3:7] == ["ingest", "16", "0", "+1"]
    assert claim.rstrip().endswith("claims " + ", ".join(map(str, range(16))))


def test_a_limit_leaves_the_older_ones_to_be_asked_for(world: World) -> None:
    found = read_history(store(world), TABLE, 3)
    assert (len(found.commits), found.older) == (3, "retained")


def test_commits_that_are_no_longer_retained_are_not_passed_over_in_silence(world: World, command: Command) -> None:
    world.table().create_checkpoint()
    for version in (0, 1):
        (world.root / TABLE / "_delta_log" / f"{version:020d}.json").unlink()
    found = read_history(store(world), TABLE, 100)
    assert (found.commits[-1].version, found.older) == (2, "gone")
    assert command(world, "history", TABLE)[1].endswith("Older commits are no longer retained.\n")


def test_a_quarantine_has_a_history_too(world: World) -> None:
    kinds = [commit.kind for commit in read_history(store(world), f"{TABLE}__quarantine", 9).commits]
    assert kinds == ["quarantine", "claim", "claim", "create"]


def test_a_table_that_is_not_there_is_told_so(world: World) -> None:
    with pytest.raises(ConfigError, match="there is no table nothing"):
        read_history(store(world), "nothing", 1)


def test_every_table_of_the_lake_is_listed_with_what_it_holds(world: World, command: Command) -> None:
    (found,) = summarise(store(world))
    assert (found.table, found.topic, found.contract) == (TABLE, world.topic.name, TABLE)
    assert (found.version, found.rows, found.quarantined, found.files) == (5, 11, 1, 1)
    assert found.bytes == sum(path.stat().st_size for path in (world.root / path for path in _active(world)))
    assert found.positions == tuple(PartitionPosition(partition, 4) for partition in range(3))
    assert found.committed_at == read_history(store(world), TABLE, 1).commits[0].committed_at
    code, out = command(world, "tables")
    assert code == 0
    assert out.splitlines()[1].split()[:7] == [TABLE, world.topic.name, TABLE, "5", "11", "1", "1"]


def _active(world: World) -> list[str]:
    return [f"{TABLE}/{path}" for path in world.table().get_add_actions()["path"].to_pylist()]


def test_partitions_added_since_the_table_was_made_are_listed(memory_world: World) -> None:
    world = memory_world
    world.drain()
    world.topic.add_partitions(2)
    world.topic.append(fill(1), partition=4)
    world.drain()
    (found,) = summarise(store(world))
    assert found.positions[-1] == PartitionPosition(4, 1)


def test_a_table_that_cannot_be_read_hides_no_other(world: World, command: Command) -> None:
    log = world.root / "broken" / "_delta_log"
    log.mkdir(parents=True)
    (world.root / "broken__quarantine" / "_delta_log").mkdir(parents=True)
    broken, whole = summarise(store(world))
    assert (broken.table, whole.rows) == ("broken", 11)
    assert broken.problem
    code, out = command(world, "tables", "--json")
    assert [table["problem"] is None for table in json.loads(out)["tables"]] == [False, True]
    assert (code, broken.exit_code) == (78, 78)


def test_what_power_loss_left_of_a_commit_is_told_as_such(memory_world: World, command: Command) -> None:
    memory_world.topic.extend([fill(n) for n in range(9)])
    memory_world.drain()
    max((memory_world.root / TABLE / "_delta_log").glob("*.json")).write_bytes(b"")

    code, out = command(memory_world, "history", TABLE)

    assert (code, "  empty (power failure?)  " in out.splitlines()[1]) == (0, True)
    assert read_history(store(memory_world), TABLE, 1).commits[0].empty


@pytest.mark.parametrize("lost", [TABLE, f"{TABLE}__quarantine"])
def test_a_lost_half_is_told_wherever_one_looks(world: World, command: Command, lost: str) -> None:
    shutil.rmtree(world.root / lost)
    for looking in (["tables"], ["offset", TABLE, "0", "0"], ["quarantine", "list", TABLE]):
        assert command(world, *looking)[0] == 73
    with pytest.raises(WrongTableError, match="is gone"):
        world.replay()


def test_tables_are_chosen_by_name(world: World, command: Command) -> None:
    shutil.copytree(world.root / TABLE, world.root / "other")
    shutil.copytree(world.root / f"{TABLE}__quarantine", world.root / "other__quarantine")
    for names in ([], ["other"], ["other", TABLE]):
        code, out = command(world, "tables", "--json", *names)
        assert (code, [each["table"] for each in json.loads(out)["tables"]]) == (0, names or [TABLE, "other"])
    assert command(world, "tables", "none")[0] == 78


def test_an_empty_lake_is_told_so(memory_world: World) -> None:
    with pytest.raises(NoTableError, match=f"there is no table under {memory_world.root}$"):
        summarise(store(memory_world))


def test_what_another_tool_did_is_told_even_where_it_uses_what_is_not_known_here(world: World) -> None:
    features = ["deletionVectors"]
    vector = {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 4, "sizeInBytes": 40}
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    path = world.table().get_add_actions()["path"][0].as_py()
    add = {
        "path": path,
        "partitionValues": {"date": "2026-03-02"},
        "size": 1,
        "modificationTime": 0,
        "dataChange": True,
    }
    actions = [
        {"commitInfo": {"timestamp": 1_790_000_000_000, "operation": "DELETE", "operationParameters": {}}},
        {"protocol": protocol},
        {"remove": {"path": path, "dataChange": True}},
        {"add": {**add, "deletionVector": {**vector, "cardinality": 1}}},
    ]
    log = world.root / TABLE / "_delta_log"
    (log / f"{6:020d}.json").write_text("\n".join(map(json.dumps, actions)))

    newest = read_history(store(world), TABLE, 1).commits[0]

    assert (newest.version, newest.operation, newest.kind) == (6, "DELETE", None)
    with pytest.raises(UnsupportedTableError, match="deletion vectors"):
        locate(store(world), TABLE, 0, 0)
