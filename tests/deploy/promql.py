"""Which metrics an expression reads, and whether their labels are those of the catalogue: a type check of PromQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import promql_parser as ast

from headrace.metrics import CATALOGUE
from headrace.metrics.metric import Histogram, Metric
from tests.deploy.rules import RECORDED

TARGET = frozenset({"job", "instance", "namespace"})
"""Labels that every scrape gives."""

OTHERS: Mapping[str, frozenset[str]] = {
    "up": TARGET,
    "process_resident_memory_bytes": TARGET,
    "process_cpu_seconds_total": TARGET,
    "ALERTS": TARGET | {"alertname", "alertstate", "severity", "table", "topic"},
}
"""What Prometheus and its client library add to the catalogue."""

KNOWN: Mapping[str, Metric] = {metric.name: metric for part in CATALOGUE.values() for metric in part}
_PARTS = ("_bucket", "_sum", "_count")


class UnknownNameError(Exception):
    """A metric or a label that nothing has."""


@dataclass(frozen=True)
class Read:
    """What an expression comes to."""

    labels: frozenset[str]
    metrics: frozenset[str] = frozenset()


def check(expression: str) -> Read:
    """Labels that the result may have, and metrics of the catalogue that it is made of.

    Raises:
        UnknownNameError: it selects or groups by what is not there.
    """
    for name, value in (("$__rate_interval", "5m"), ("$__range", "1h")):
        expression = expression.replace(name, value)
    return _read(ast.parse(expression))


def _read(node: ast.Expr) -> Read:
    match node:
        case ast.VectorSelector():
            return _selected(node)
        case ast.MatrixSelector():
            return _selected(node.vector_selector)
        case ast.AggregateExpr():
            return _aggregated(node)
        case ast.Call():
            return _called(node)
        case ast.BinaryExpr():
            return _combined(node)
        case ast.ParenExpr() | ast.UnaryExpr() | ast.SubqueryExpr():
            return _read(node.expr)
    return Read(frozenset())


def _selected(node: ast.VectorSelector) -> Read:
    name = node.name or ""
    read = _named(name)
    _known(name, read, (matcher.name for matcher in node.matchers.matchers))
    return read


def _named(name: str) -> Read:
    if name in OTHERS:
        return Read(OTHERS[name])
    if name in RECORDED:
        return check(RECORDED[name].expr)
    stem = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)
    if stem != name and isinstance(KNOWN.get(stem), Histogram):
        le = {"le"} if name.endswith("_bucket") else set()
        return Read(frozenset(KNOWN[stem].labels) | TARGET | le, frozenset({stem}))
    if name not in KNOWN or isinstance(KNOWN[name], Histogram):
        raise UnknownNameError(name)
    return Read(frozenset(KNOWN[name].labels) | TARGET, frozenset({name}))


def _aggregated(node: ast.AggregateExpr) -> Read:
    inner = _read(node.expr)
    if node.modifier is None:
        return Read(frozenset(), inner.metrics)
    _known(node.prettify(), inner, node.modifier.labels)
    named = frozenset(node.modifier.labels)
    by = node.modifier.type == ast.AggModifierType.By
    return Read(named if by else inner.labels - named, inner.metrics)


def _called(node: ast.Call) -> Read:
    read = _joined(_read(argument) for argument in node.args)
    if node.func.name == "label_replace" and isinstance(made := node.args[1], ast.StringLiteral):
        return Read(read.labels | {made.val}, read.metrics)
    if node.func.name == "histogram_quantile":
        _known(node.prettify(), read, ["le"])
        return Read(read.labels - {"le"}, read.metrics)
    return read


def _combined(node: ast.BinaryExpr) -> Read:
    sides = (_read(node.lhs), _read(node.rhs))
    if node.modifier is not None and node.modifier.matching is not None:
        for side in sides:
            _known(node.prettify(), side, node.modifier.matching.labels)
    return _joined(iter(sides))


def _joined(reads: Iterator[Read]) -> Read:
    found = list(reads)
    return Read(
        frozenset().union(*(read.labels for read in found)), frozenset().union(*(read.metrics for read in found))
    )


def _known(where: str, read: Read, labels: Iterator[str] | list[str]) -> None:
    for label in labels:
        if label not in read.labels:
            msg = f"{where} has no label {label}, but {sorted(read.labels)}"
            raise UnknownNameError(msg)
