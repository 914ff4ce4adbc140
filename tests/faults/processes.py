"""`headrace` as a process of its own, on the topic and the lake of a test."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Self

from headrace.offsets import Address
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from tests.behaviour.repeating import repeating
from tests.behaviour.world import TABLE, World, fill, poison
from tests.faults.forking import become_headrace, start_forked

_MODULE = "contract_under_test"
_SOURCES = [str(Path(__file__).parents[2] / folder) for folder in ("shared", "services")]


class Process:
    """One `headrace` command; killed at the end of the context if it still runs.

    Args:
        arguments: of the command.
        environment: its whole.
        log: what it writes to; what is there stays.
        prepare: runs in the child before it becomes the command; of a module that imports little.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        log.touch()
        self._log, self._begin = log, log.stat().st_size
        self._process = start_forked(become_headrace, arguments, environment, log, prepare)

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None, "it was started"
        return pid

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self._log.read_bytes()[self._begin :].decode(errors="replace")

    @property
    def alive(self) -> bool:
        return self._process.exitcode is None

    def signal(self, *signals: signal.Signals) -> None:
        for number in signals:
            if self.alive:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)

    def await_said(self, text: str, *, after: int = 0, seconds: float = PATIENCE_SECONDS) -> None:
        """Returns when it has written `text`, beyond the first `after` characters."""
        wait_until(lambda: text in self.said[after:] or not self.alive, f"it says {text}", seconds=seconds)
        assert text in self.said[after:], self.said

    def runs_for(self, seconds: float) -> bool:
        """Whether it still runs after so many seconds."""
        self._process.join(seconds)
        return self.alive

    def end(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Its exit code."""
        self._process.join(seconds)
        code = self._process.exitcode
        assert code is not None, f"it has not ended after {seconds:g} s: {self.said}"
        return code

    def kill(self) -> int:
        """Its exit code: -SIGKILL unless it had ended."""
        self.signal(signal.SIGKILL)
        return self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class WorkerProcess(Process):
    """One `headrace ingest`; killed at the end of the context if it still runs.

    Args:
        world: its topic and lake.
        drain: whether it ends by itself.
        member: its id where members have one.
        partitions: what it reads where no group decides.
        prepare: runs in the child before it becomes the worker.
        settings: further environment, without `HEADRACE_` and in small letters.
    """

    def __init__(
        self,
        world: World,
        *,
        drain: bool = False,
        member: str = "one",
        partitions: Sequence[int] = (),
        prepare: Callable[[], None] | None = None,
        **settings: str,
    ) -> None:
        chosen = {
            "kafka__bootstrap_servers": world.cluster.handle.bootstrap_servers,
            "kafka__group_id": world.topic.name,
            **_membership(world, member),
            "ingest__flush_seconds": "0.1",
            **settings,
        }
        arguments = ["ingest", TABLE, *_options(world, drain, partitions)]
        super().__init__(arguments, process_environment(world, chosen), _new_log(world, "worker"), prepare)


def _membership(world: World, member: str) -> dict[str, str]:
    """Settings of its group."""
    chosen = {f"kafka__{name}": str(value) for name, value in world.membership.kafka.items()}
    if world.membership.static:
        chosen["kafka__group_instance_id"] = member
    # Brokers decide on the sessions of the newer protocol; those of the tests take 6 s.
    return chosen if "kafka__group_protocol" in chosen else chosen | {"kafka__session_timeout_ms": "1500"}


def _options(world: World, drain: bool, partitions: Sequence[int]) -> list[str]:
    named = partitions or range(world.topic.partitions)
    by_hand = ["--partitions", ",".join(map(str, named))] if world.membership.by_hand else []
    return [*(["--drain"] if drain else []), *by_hand]


def process_environment(world: World, settings: Mapping[str, str]) -> dict[str, str]:
    """Of a process that knows the world's lake and contract, with further settings."""
    folder = world.folder / "contracts"
    folder.mkdir(exist_ok=True)
    written = folder / f"{_MODULE}.new"
    written.write_text(world.module())
    written.replace(folder / f"{_MODULE}.py")  # a worker that starts now may be about to read it
    chosen = {"lake__root": str(world.root), "contracts": _MODULE, "log_format": "json", **settings}
    return environment_of(chosen, folder)


def environment_of(settings: Mapping[str, str], *folders: Path) -> dict[str, str]:
    """Of a process with these settings, without `HEADRACE_` and in small letters; modules lie in `folders` too."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")},
        **{f"HEADRACE_{name.upper()}": value for name, value in settings.items()},
        "PYTHONPATH": os.pathsep.join([*map(str, folders), *_SOURCES]),
    }


def start_maintenance(
    world: World, *options: str, prepare: Callable[[], None] | None = None, **settings: str
) -> Process:
    """`headrace maintain`, eager, until it is stopped; options of the command, the rest as of a worker."""
    chosen = {"maintain__compact_files": "8", "maintain__every_seconds": "1", "metrics__enabled": "false", **settings}
    environment = process_environment(world, chosen)
    return Process(["maintain", *options], environment, world.folder / "maintenance.log", prepare)


def start_replay(world: World) -> Process:
    """`headrace quarantine replay --json` by the contract without a bound."""
    arguments = ["quarantine", "replay", TABLE, "--json"]
    return Process(arguments, process_environment(world, {}), _new_log(world, "replay"))


def start_rebuild(world: World, source: str) -> Process:
    """`headrace rebuild --json` from a table of all events; what it leaves behind lies in the world's folder."""
    environment = process_environment(world, {}) | {"TMPDIR": str(world.folder)}
    return Process(["rebuild", TABLE, "--from", source, "--json"], environment, _new_log(world, "rebuild"))


def _new_log(world: World, name: str) -> Path:
    return world.folder / f"{name}-{len(list(world.folder.glob(f'{name}-*.log')))}.log"


def stream(size: int = 20) -> Iterator[list[bytes | None]]:
    """Pieces of a stream in which every 50th record is bad."""
    for begin in count(0, size):
        yield [poison(n) if n % 50 == 7 else fill(n) for n in range(begin, begin + size)]


@contextmanager
def producing(world: World, values: Iterator[Sequence[bytes | None]]) -> Iterator[list[Address]]:
    """Within the context appends what `values` brings, piece after piece; gives the addresses so far."""
    sent: list[Address] = []
    with repeating(lambda: sent.extend(world.topic.extend(next(values))), pause=0.05):
        yield sent
