"""What is asked of rows on a command line, as polars expressions."""

from datetime import date

import polars as pl

from headrace.errors import ConfigError
from headrace_cli.as_of import moment


def is_value(schema: pl.Schema, column: str, text: str) -> pl.Expr:
    """Whether a column has the value that a text says; an empty text is null where the column holds no texts.

    Raises:
        ConfigError: there is no such column, or the text is no value of it.
    """
    if column not in schema:
        msg = f"there is no column {column}: name one of {', '.join(schema)}"
        raise ConfigError(msg)
    try:
        return pl.col(column).eq_missing(pl.lit(_value(schema[column], text), schema[column]))
    except (ValueError, KeyError, pl.exceptions.PolarsError):
        msg = f"{text!r} is no value of column {column}, which is of type {schema[column]}"
        raise ConfigError(msg) from None


def _value(dtype: pl.DataType, text: str) -> object:
    if text == "" and dtype != pl.String:
        return None
    match dtype:
        case pl.String():
            return text
        case pl.Boolean():
            return {"true": True, "false": False}[text.lower()]
        case pl.Date():
            return date.fromisoformat(text)
        case pl.Datetime():
            return moment(text)
    return pl.Series([text]).cast(dtype).item()


def condition(schema: pl.Schema, text: str) -> pl.Expr:
    """A condition as it stands after WHERE in SQL.

    Raises:
        ConfigError: it is none, or cannot be asked of these columns.
    """
    try:
        asked = pl.sql_expr(text)
        answer = pl.LazyFrame(schema=schema).select(asked).collect_schema().dtypes()
    except pl.exceptions.PolarsError as error:
        first = str(error).partition("\n")[0]  # below it polars shows its plan
        msg = f"{text!r} cannot be asked of columns {', '.join(schema)}: {first}"
        raise ConfigError(msg) from None
    if answer != [pl.Boolean()]:
        msg = f"{text!r} is no condition: write one such as symbol = 'SPY' AND price > 3"
        raise ConfigError(msg)
    return asked
