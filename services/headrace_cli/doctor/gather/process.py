"""Looks at the process and the machine."""

import re
import resource
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil

from headrace.kafka.client import librdkafka_version
from headrace.settings import Settings
from headrace_cli.doctor.checks.process import ProcessFacts

_NAME = re.compile(r"\A[A-Za-z0-9._-]+")
# The limit's file and the line of /proc/self/cgroup that names the group: version 2 and version 1.
_CGROUPS = (("", "memory.max", ""), ("memory", "memory.limit_in_bytes", "memory"))


def process_facts(settings: Settings) -> ProcessFacts:
    """Facts of this process."""
    required = _required()
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    names = {match[0] for text in required if (match := _NAME.match(text))}
    return ProcessFacts(
        settings=settings,
        python=sys.version_info[:2],
        librdkafka=librdkafka_version(),
        required=required,
        installed=dict(_installed(names | {"deltalake"})),
        memory_bytes=psutil.virtual_memory().total,
        memory_limit_bytes=memory_limit(Path("/")),
        open_files=sys.maxsize if files == resource.RLIM_INFINITY else files,
    )


def memory_limit(root: Path) -> int | None:
    """The tightest memory limit of the control groups that this process is in.

    Args:
        root: below which /proc and /sys lie.

    Returns:
        Bytes, or None where nothing limits it.
    """
    limits: list[int] = []
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None  # no Linux
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        for controller, name, folder in _CGROUPS:
            if controller in controllers.split(","):
                limits += _limits(root / "sys/fs/cgroup" / folder, path, name)
    return min(limits, default=None)


def _limits(top: Path, path: str, name: str) -> Iterator[int]:
    """Of a group and all above it; in a container the group's own path may not be visible, but its top is."""
    group = top / path.lstrip("/")
    for folder in (group, *group.parents):
        if folder == top or top in folder.parents:
            try:
                text = (folder / name).read_text().strip()
            except OSError:
                continue
            # Version 1 says "no limit" with a number near 2**63.
            if text.isdigit() and int(text) < 1 << 60:
                yield int(text)


def _required() -> tuple[str, ...]:
    try:
        return tuple(requires("headrace") or ())
    except PackageNotFoundError:
        return ()


def _installed(names: set[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
