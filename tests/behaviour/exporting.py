"""The exporter on a world's lake and broker, one turn at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample

from headrace.metrics.metric import Metric
from headrace.metrics.recorder import Recorder
from headrace.settings import load_settings
from headrace.testing.manual_clock import ManualClock
from headrace_exporter.wiring import SHOWN, Host, Loop, build_loops
from tests.behaviour.world import TABLE, World

Series = dict[tuple[str, ...], float]


class Exported:
    """What somebody who scrapes sees."""

    def __init__(self, world: World, after: timedelta, settings: dict[str, Any]) -> None:
        self.clock = ManualClock(datetime.now(UTC) + after)
        self.registry = CollectorRegistry()
        recorder = Recorder(self.registry, SHOWN)
        chosen = load_settings(**{"lake": {"root": str(world.root)}, **settings})
        contracts = {world.contract.name: world.contract}
        self.loops: list[Loop] = build_loops(chosen, contracts, host=Host(recorder, self.clock))

    def turn(self) -> None:
        """Looks at everything once."""
        for loop in self.loops:
            loop.turn(lambda: False)

    def samples(self) -> list[Sample]:
        """Everything that is shown."""
        return [sample for family in self.registry.collect() for sample in family.samples]

    def series(self, metric: Metric, table: str = TABLE) -> Series:
        """Values of a metric of a table by its labels, in the catalogue's order without `table` and `topic`."""
        names = [name for name in metric.labels if name not in ("table", "topic")]
        found = (s for s in self.samples() if s.name == metric.name and s.labels.get("table", table) == table)
        return {tuple(s.labels[name] for name in names if name in s.labels): s.value for s in found}

    def value(self, metric: Metric, *labels: str, table: str = TABLE) -> float:
        """One value.

        Raises:
            KeyError: there is no such series.
        """
        return self.series(metric, table)[labels]


@contextmanager
def exported(world: World, after: timedelta = timedelta(0), **settings: Any) -> Iterator[Exported]:
    """An exporter that has looked once, on a clock that is ahead by `after`; asks the broker if `kafka` is given."""
    found = Exported(world, after, settings)
    try:
        found.turn()
        yield found
    finally:
        for loop in found.loops:
            loop.close()
