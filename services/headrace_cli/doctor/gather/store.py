"""Looks at the store by writing to it and removing what was written."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

from headrace.clock import SystemClock
from headrace.errors import HeadraceError, WrongTableError
from headrace.lake.canary import StoreMeasure, left_canaries, measure_store, prove_conflicts
from headrace.lake.store import Store
from headrace.sections import MIB
from headrace.settings import Settings
from headrace_cli.doctor.checks.store import Disk, StoreFacts

_OLD = timedelta(hours=1)


class Mount(Protocol):
    """A mounted file system, as psutil lists it."""

    @property
    def mountpoint(self) -> str:
        """Where it is mounted."""
        ...

    @property
    def fstype(self) -> str:
        """Its type."""
        ...

    @property
    def opts(self) -> str:
        """Its options, separated by commas."""
        ...


_Mount = TypeVar("_Mount", bound=Mount)


def store_facts(settings: Settings) -> StoreFacts:
    """Facts of the lake's store.

    Raises:
        WrongTableError: a file lies where the root should be.
        ConfigError: the root is no folder and no URI.
    """
    store = Store(settings.lake.root)
    # A root that is not there yet is not created: its nearest folder lies on the same file system.
    folder = None if store.local is None else _nearest(store.local)
    tried = store if folder is None else Store(str(folder))
    problem, measure = _tried(tried)
    left = () if store.local is None or folder != store.local else left_canaries(folder, SystemClock().now() - _OLD)
    return StoreFacts(
        root=store.root,
        tried=tried.root,
        conflicts=problem,
        measure=measure,
        disk=None if folder is None else _disk(folder),
        left=[path.name for path in left],
        flush_bytes=settings.ingest.flush_mib * MIB,
    )


def mount_of(folder: Path, mounts: Iterable[_Mount]) -> _Mount | None:
    """The mount that a folder lies on: the deepest above it, of several on one point the last."""
    above = [mount for mount in mounts if folder.is_relative_to(mount.mountpoint)]
    return max(reversed(above), key=lambda mount: len(Path(mount.mountpoint).parts), default=None)


def _tried(store: Store) -> tuple[HeadraceError | None, StoreMeasure | None]:
    problem: HeadraceError | None = None
    try:
        prove_conflicts(store)
    except HeadraceError as error:
        problem = error
    with suppress(HeadraceError):  # what cannot be written was told by the proof
        return problem, measure_store(store, SystemClock())
    return problem, None


def _nearest(folder: Path) -> Path:
    for candidate in (folder, *folder.parents):
        if candidate.is_dir():
            return candidate
        if candidate.exists():
            msg = f"HEADRACE_LAKE__ROOT {folder} lies on a file: name a folder"
            raise WrongTableError(msg)
    return folder


def _disk(folder: Path) -> Disk:
    found = os.statvfs(folder)
    mount = mount_of(folder.resolve(), psutil.disk_partitions(all=True))
    return Disk(
        kind=mount.fstype if mount else None,
        options=mount.opts.split(",") if mount else (),
        free_bytes=found.f_bavail * found.f_frsize,
        total_bytes=found.f_blocks * found.f_frsize,
        # Some file systems make files as they go and say 0 of 0.
        free_files=found.f_favail if found.f_files else None,
    )
