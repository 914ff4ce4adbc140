"""Rules and boards read what is there, and what is there is watched."""

import re

import pytest

from deploy.boards.__main__ import BOARDS
from deploy.boards.panels import Board, panels
from tests.deploy.promql import KNOWN, UnknownNameError, check
from tests.deploy.rules import ALL, DEPLOY, Rule, read

EXPRESSIONS = [rule.expr for rule in ALL]
EXPRESSIONS += [query.expr for board in BOARDS for panel in panels(board) for query in panel.queries]


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_a_rule_reads_metrics_and_labels_of_the_catalogue(rule: Rule) -> None:
    labels = check(rule.expr).labels

    told = " ".join((rule.annotations or {}).values())
    assert set(re.findall(r"\$labels\.(\w+)", told)) <= labels
    if rule.record:
        assert rule.record.split(":")[0].split("_") == [
            name for name in ("namespace", "table", "topic") if name in labels
        ]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_read_metrics_and_labels_of_the_catalogue(board: Board) -> None:
    for panel in panels(board):
        for query in panel.queries:
            labels = check(query.expr).labels
            assert set(re.findall(r"{{(\w+)}}", query.legend)) <= labels, panel.title


def test_every_metric_is_in_a_rule_or_on_a_board_or_exempted_with_a_reason() -> None:
    exempted = read(DEPLOY / "unwatched.yaml")
    watched = frozenset().union(*(check(expression).metrics for expression in EXPRESSIONS))

    assert sorted(KNOWN.keys() - watched) == sorted(exempted)
    assert all(exempted.values())


@pytest.mark.parametrize(
    "wrong",
    [
        "headrace_nothing",
        'headrace_table_files{topic="t"}',
        "sum by (topic) (headrace_table_files)",
        "headrace_commit_duration_seconds",
        "headrace_table_files and on (topic) headrace_source_lag_records",
        "histogram_quantile(0.9, headrace_table_files)",
        "sum by (partition) (namespace_topic:headrace_source_lag_records:sum)",
    ],
)
def test_what_is_not_there_is_found(wrong: str) -> None:
    with pytest.raises(UnknownNameError):
        check(wrong)
