from datetime import UTC, datetime

import polars as pl
import pytest

from headrace.errors import ConfigError
from headrace_cli.audit.asked import condition, is_value


def test_values_are_read_by_the_type_of_their_column() -> None:
    columns: dict[str, tuple[pl.DataType, list[object]]] = {
        "n": (pl.Int32(), [1, None]),
        "on": (pl.Boolean(), [True, None]),
        "day": (pl.Date(), [None, None]),
        "x": (pl.Float64(), [0.5, 1.5]),
        "s": (pl.String(), ["", "a=b"]),
        "at": (pl.Datetime("us", "UTC"), [datetime(2026, 3, 2, 14, 30, tzinfo=UTC), None]),
    }
    schema = pl.Schema({name: dtype for name, (dtype, _) in columns.items()})
    frame = pl.DataFrame({name: values for name, (_, values) in columns.items()}, schema)
    for column, text, expected in [
        ("n", "1", 0),
        ("n", "", 1),
        ("on", "TRUE", 0),
        ("x", "1.5", 1),
        ("s", "", 0),
        ("s", "a=b", 1),
        ("at", "2026-03-02T15:30:00+01:00", 0),
    ]:
        found = frame.with_row_index("row").filter(is_value(schema, column, text))["row"].to_list()
        assert found == [expected]
    for column, text in [
        ("n", "1.5"),
        ("on", "yes"),
        ("day", "2026-02-30"),
        ("x", "x"),
        ("at", "2026-03-02T14:30:00"),
        ("none", "1"),
    ]:
        with pytest.raises(ConfigError):
            is_value(schema, column, text)
    with pytest.raises(ConfigError, match=r"\A'none = 1' cannot be asked of .*\"none\"; valid columns: .*\Z"):
        condition(schema, "none = 1")
    with pytest.raises(ConfigError, match="is no condition"):
        condition(schema, "n")
