import pytest

from deploy.boards.values import legend, shown, told


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0125, "s", "12.5 ms"),
        (90, "s", "90 s"),
        (150, "s", "2.5 min"),
        (3 * 86400, "s", "3 d"),
        (0.123, "percentunit", "12%"),
        (1536, "bytes", "1.5KiB"),
        (512, "Bps", "512B/s"),
        (1500, "rec/s", "1.5k/s"),
        (2e15, "short", "2e+03T"),
        (0.5, "none", "0.5"),
    ],
)
def test_a_number_is_told_with_its_unit(value: float, unit: str, text: str) -> None:
    assert told(value, unit) == text


def test_a_series_is_named_by_its_labels() -> None:
    assert legend("{{table}} of {{missing}}", {"table": "trades"}) == "trades of"


def test_everything_is_chosen_in_an_expression() -> None:
    expression = 'rate(a{namespace=~"$namespace",table=~"$table"}[$__rate_interval]) + b[$__range]'

    assert shown(expression, interval="1m", seconds=900) == 'rate(a{namespace=~".*",table=~".*"}[1m]) + b[900s]'
