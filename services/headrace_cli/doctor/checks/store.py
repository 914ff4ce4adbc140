"""The store that the tables lie in."""

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.errors import HeadraceError
from headrace.lake.canary import StoreMeasure
from headrace.sections import MIB
from headrace_cli.doctor.judging import Check, Verdict, check, fail, failed, ok, warn

_GIB = 1024 * MIB
_SLOW_WRITE_SECONDS = 0.1
_CLOCK_SECONDS = 5.0
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "fuse"})
_PASSING = {
    "tmpfs": "memory",
    "ramfs": "memory",
    "overlay": "a container's own layer",
    "aufs": "a container's own layer",
}
_UNORDERED = ("nobarrier", "barrier=0", "data=writeback")


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system under a local root.

    Attributes:
        kind: its type, such as `ext4`; None where the system does not tell.
        options: of the mount.
        free_bytes: what this user may still write.
        total_bytes: its size.
        free_files: how many files this user may still create; None where that is not limited.
    """

    kind: str | None
    options: Sequence[str]
    free_bytes: int
    total_bytes: int
    free_files: int | None


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What was found of the store.

    Attributes:
        root: of the lake.
        tried: where it was tried: the root, or the folder it would be created in.
        conflicts: why the worker's start-up proof did not hold, if it did not.
        measure: what writing there is like; None if it cannot be written.
        disk: under a local root.
        left: folders of earlier trials that were killed.
        flush_bytes: what a flush may hold, from the settings.
    """

    root: str
    tried: str
    conflicts: HeadraceError | None
    measure: StoreMeasure | None
    disk: Disk | None
    left: Sequence[str]
    flush_bytes: int


@check(
    "store-conflicts",
    asks="The store can be written, refuses a second create of one object, and deltalake refuses a conflicting commit.",
    remedy="Unsafe: another store, and deltalake 1.6.3. Refused: give this user the right to write in {root}.",
)
def conflicts(store: StoreFacts) -> Verdict:
    """The same proof as at a worker's start."""
    if store.conflicts is not None:
        return failed(store.conflicts)
    where = "" if store.tried == store.root else f" (tried in {store.tried}: the root is not there yet)"
    return ok(f"{store.root} refuses conflicting commits{where}")


@check(
    "store-writes",
    asks="Making a small object durable (write and fsync) is quick: a flush does it six times.",
    remedy="Put HEADRACE_LAKE__ROOT on a faster disk, or raise HEADRACE_INGEST__FLUSH_SECONDS to flush less often.",
)
def writes(store: StoreFacts) -> Verdict | None:
    """Measured on a few objects."""
    if store.measure is None:
        return None
    found = f"{store.measure.write_seconds * 1000:.1f} ms for a durable object"
    return warn(found) if store.measure.write_seconds > _SLOW_WRITE_SECONDS else ok(found)


@check(
    "store-clock",
    asks="The store stamps objects with the time of this machine; vacuum goes by it.",
    remedy="Synchronise the clocks of this machine and the store (chronyd, systemd-timesyncd).",
)
def clock(store: StoreFacts) -> Verdict | None:
    """Both directions are seen; a local disk has this machine's clock."""
    if store.measure is None:
        return None
    seconds = store.measure.clock_seconds
    if abs(seconds) > _CLOCK_SECONDS:
        return warn(
            f"the store's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
        )
    return ok("the store's clock agrees with this machine's")


@check(
    "store-filesystem",
    asks="The file system is a local one that survives the machine and the container.",
    remedy="Put HEADRACE_LAKE__ROOT on a local disk or a volume, such as ext4 or xfs, with default mount options.",
)
def filesystem(store: StoreFacts) -> Verdict | None:
    """By the type and the options of the mount."""
    if store.disk is None or store.disk.kind is None:
        return None
    kind = store.disk.kind
    unordered = [option for option in store.disk.options if option in _UNORDERED]
    if kind in _PASSING:
        return warn(f"{kind}: {_PASSING[kind]}, which does not outlive it")
    if kind in _NETWORK or kind.startswith("fuse."):
        return warn(f"{kind}: fsync and exclusive create are only as good as the server and its export options")
    if unordered:
        return warn(f"{kind} mounted with {', '.join(unordered)}: fsync does not survive power loss")
    return ok(kind)


@check(
    "store-space",
    asks="There is room for data and for files.",
    remedy="Free space, enlarge the volume, or vacuum: a worker stops with exit code 74 when it is full.",
)
def space(store: StoreFacts) -> Verdict | None:
    """Two flushes at the least; a warning below 5 % or 1 GiB."""
    disk = store.disk
    if disk is None:
        return None
    found = f"{disk.free_bytes / _GIB:.1f} of {disk.total_bytes / _GIB:.1f} GiB free"
    if disk.free_files is not None and disk.free_files < 1_000:
        return fail(f"{disk.free_files} more files fit ({found})", 74)
    if disk.free_bytes < 2 * store.flush_bytes:
        return fail(found, 74)
    return warn(found) if disk.free_bytes < max(_GIB, disk.total_bytes // 20) else ok(found)


@check(
    "store-leftovers",
    asks="No folder of an earlier trial is left; a start that is killed leaves one.",
    remedy="rm -r {root}/.headrace-canary-*",
)
def leftovers(store: StoreFacts) -> Verdict | None:
    """Only those older than an hour: a worker may be starting now."""
    return warn(f"{len(store.left)} left: {', '.join(store.left)}") if store.left else None


STORE_CHECKS: tuple[Check[StoreFacts], ...] = (conflicts, writes, clock, filesystem, space, leftovers)
