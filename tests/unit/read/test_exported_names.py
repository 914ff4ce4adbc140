"""What `headrace.read` exports is there, and costs nothing before it is used."""

import ast
from pathlib import Path

import pytest

import headrace.read
from tests.unit.test_exported_names import loaded_after


def imported_for_type_checkers() -> list[str]:
    tree = ast.parse(Path(headrace.read.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return [name.name for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names]


def test_exported_names_are_sorted_and_all_there_and_type_checkers_see_them() -> None:
    assert headrace.read.__all__ == sorted(headrace.read.__all__) == sorted(imported_for_type_checkers())
    assert all(getattr(headrace.read, name) is not None for name in headrace.read.__all__)
    assert set(headrace.read.__all__) <= set(dir(headrace.read))
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = headrace.read.Nothing


def test_importing_the_package_loads_no_frames_and_reading_them_needs_no_kafka_client() -> None:
    assert not loaded_after("import headrace.read") & {"polars", "deltalake", "confluent_kafka"}
    assert "confluent_kafka" not in loaded_after("from headrace.read import Trades")
