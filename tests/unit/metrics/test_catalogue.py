"""Rules that every metric keeps, so that queries can be written without looking."""

import re

import pytest

from headrace import metrics
from headrace.contracts import RejectReason
from headrace.lake.upkeep.health import Part
from headrace.metrics import CATALOGUE, common, ingest, maintenance, producer, quality, tables
from headrace.metrics.health import State
from headrace.metrics.metric import Counter, Histogram, Metric
from headrace_ingest.flush import Trigger
from headrace_ingest.flushed import FailureKind
from headrace_maintenance.jobs import JobKind

ALL = [metric for part in CATALOGUE.values() for metric in part]
NOT_BASE_UNITS = {"ms", "millis", "milliseconds", "minutes", "hours", "kib", "mib", "kb", "mb", "percent"}


def test_names_are_unique() -> None:
    names = [metric.name for metric in ALL]
    assert sorted(names) == sorted(set(names))


def test_the_same_metric_is_not_in_two_parts() -> None:
    assert len(ALL) == len(set(ALL))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_a_metric_is_named_labelled_and_explained_as_all_are(metric: Metric) -> None:
    assert re.fullmatch(r"headrace(_[a-z0-9]+)+", metric.name)
    assert isinstance(metric, Counter) == metric.name.endswith("_total")
    assert NOT_BASE_UNITS.isdisjoint(metric.name.split("_"))
    assert metric.values.keys() <= set(metric.labels)
    assert metric.help.endswith(".")
    if isinstance(metric, Histogram):
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert 2 <= len(metric.buckets) <= 12


@pytest.mark.parametrize(
    ("module", "part"),
    [
        (common, metrics.COMMON),
        (ingest, metrics.INGEST),
        (maintenance, metrics.MAINTENANCE),
        (producer, metrics.PRODUCER),
        (tables, metrics.TABLES),
        (quality, metrics.QUALITY),
    ],
)
def test_every_metric_of_a_module_is_in_its_part(module: object, part: tuple[Metric, ...]) -> None:
    assert {value for value in vars(module).values() if isinstance(value, Metric)} == set(part)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (ingest.FLUSHES.values["trigger"], Trigger),
        (ingest.COMMIT_FAILURES.values["reason"], FailureKind),
        (ingest.QUARANTINED_RECORDS.values["reason"], RejectReason),
        (common.STATE.values["state"], State),
        (maintenance.RUNS.values["operation"], JobKind),
        ((*tables.HEALTH_POINTS.values["part"], Part.LOG.value), Part),
    ],
)
def test_label_values_are_the_words_of_the_code(
    values: tuple[str, ...], words: type[Trigger | FailureKind | RejectReason | State | JobKind | Part]
) -> None:
    assert sorted(values) == sorted(words)
