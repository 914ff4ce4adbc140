"""Judgements of the store, and where their facts come from."""

import os
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.errors import UnsafeStoreError, WrongTableError
from headrace.lake.canary import StoreMeasure
from headrace.sections import MIB
from headrace.settings import Settings
from headrace_cli.doctor.checks.store import (
    STORE_CHECKS,
    Disk,
    StoreFacts,
    clock,
    conflicts,
    filesystem,
    leftovers,
    space,
    writes,
)
from headrace_cli.doctor.gather.store import mount_of, store_facts
from headrace_cli.doctor.judging import Check, Status, Subject, examine, worst

DISK = Disk("ext4", ("rw", "relatime"), free_bytes=50_000 * MIB, total_bytes=100_000 * MIB, free_files=1_000_000)
HEALTHY = StoreFacts(
    root="/lake",
    tried="/lake",
    conflicts=None,
    measure=StoreMeasure(write_seconds=0.004, clock_seconds=0.0),
    disk=DISK,
    left=(),
    flush_bytes=32 * MIB,
)
Mounted = namedtuple("Mounted", "mountpoint fstype opts")


def settings(root: Path) -> Settings:
    return Settings.model_validate({"lake": {"root": str(root)}})


def test_a_healthy_store_passes_every_check() -> None:
    assert worst(examine(Subject("store", {}), HEALTHY, STORE_CHECKS)) is Status.OK


@pytest.mark.parametrize(
    ("asked", "facts", "status", "says"),
    [
        (
            conflicts,
            replace(HEALTHY, conflicts=UnsafeStoreError("two were accepted")),
            Status.FAIL,
            "two were accepted",
        ),
        (conflicts, replace(HEALTHY, tried="/"), Status.OK, "not there yet"),
        (writes, replace(HEALTHY, measure=StoreMeasure(0.4, 0.0)), Status.WARN, "400.0 ms"),
        (clock, replace(HEALTHY, measure=StoreMeasure(0.004, 61.0)), Status.WARN, "61 s ahead of"),
        (clock, replace(HEALTHY, measure=StoreMeasure(0.004, -61.0)), Status.WARN, "61 s behind"),
        (filesystem, replace(HEALTHY, disk=replace(DISK, kind="nfs4")), Status.WARN, "nfs4"),
        (filesystem, replace(HEALTHY, disk=replace(DISK, kind="fuse.sshfs")), Status.WARN, "fuse.sshfs"),
        (filesystem, replace(HEALTHY, disk=replace(DISK, kind="overlay")), Status.WARN, "container"),
        (filesystem, replace(HEALTHY, disk=replace(DISK, kind="tmpfs")), Status.WARN, "memory"),
        (filesystem, replace(HEALTHY, disk=replace(DISK, options=("rw", "nobarrier"))), Status.WARN, "nobarrier"),
        (space, replace(HEALTHY, disk=replace(DISK, free_bytes=60 * MIB)), Status.FAIL, "0.1 of"),
        (space, replace(HEALTHY, disk=replace(DISK, free_files=9)), Status.FAIL, "9 more files"),
        (space, replace(HEALTHY, disk=replace(DISK, free_bytes=900 * MIB)), Status.WARN, "0.9 of"),
        (space, replace(HEALTHY, disk=replace(DISK, free_bytes=4_000 * MIB)), Status.WARN, "3.9 of"),
        (leftovers, replace(HEALTHY, left=(".headrace-canary-1",)), Status.WARN, ".headrace-canary-1"),
    ],
)
def test_what_is_wrong_with_a_store_is_seen(
    asked: Check[StoreFacts], facts: StoreFacts, status: Status, says: str
) -> None:
    verdict = asked.judge(facts)

    assert verdict is not None
    assert verdict.status is status
    assert says in verdict.found


def test_an_object_store_has_no_disk_to_judge() -> None:
    facts = replace(HEALTHY, disk=None)

    assert filesystem.judge(facts) is None
    assert space.judge(facts) is None


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    facts = store_facts(settings(tmp_path))

    assert worst(examine(Subject("store", {}), facts, STORE_CHECKS[:1])) is Status.OK
    assert facts.measure is not None
    assert facts.disk is not None
    assert facts.disk.kind
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    facts = store_facts(settings(tmp_path / "far/away"))

    assert facts.tried == str(tmp_path)
    assert facts.conflicts is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_root_is_named(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("")

    with pytest.raises(WrongTableError, match="lies on a file"):
        store_facts(settings(tmp_path / "lake" / "below"))


def test_a_root_that_cannot_be_written_is_told_by_the_trial() -> None:
    facts = store_facts(settings(Path("/sys")))  # not even root creates a folder there

    verdict = conflicts.judge(facts)
    assert verdict is not None
    assert (verdict.status, verdict.exit_code) == (Status.FAIL, 77)
    assert writes.judge(facts) is None


def test_folders_of_trials_that_were_killed_are_found_once_they_are_old(tmp_path: Path) -> None:
    for name in (".headrace-canary-old", ".headrace-canary-new"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / ".headrace-canary-old", (0, 0))

    assert store_facts(settings(tmp_path)).left == [".headrace-canary-old"]


def test_a_folder_lies_on_the_deepest_mount_above_it() -> None:
    mounts = [
        Mounted("/", "ext4", "rw"),
        Mounted("/srv/lake", "xfs", "rw"),
        Mounted("/srv", "nfs4", "rw"),
        Mounted("/srv/lake", "tmpfs", "rw"),
        Mounted("/srv/lakes", "btrfs", "rw"),
    ]

    found = [mount_of(Path(folder), mounts) for folder in ("/srv/lake/trades", "/srv/lakeside", "/home", "/srv/lakes")]
    assert [mount and mount.fstype for mount in found] == ["tmpfs", "nfs4", "ext4", "btrfs"]
