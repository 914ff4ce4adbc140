import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import headrace

ROOT = Path(__file__).parents[2]
LIGHT = "confluent_kafka", "msgspec", "pydantic"
HEAVY = "deltalake", "obstore", "polars", "prometheus_client", "pyarrow", "pydantic_settings", "structlog", "typer"


def imported_for_type_checkers() -> list[str]:
    tree = ast.parse(Path(headrace.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return [name.name for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names]


def loaded_after(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_exported_names_are_sorted_and_all_there() -> None:
    assert headrace.__all__ == sorted(headrace.__all__)
    assert all(getattr(headrace, name) is not None for name in headrace.__all__)
    assert set(headrace.__all__) <= set(dir(headrace))


def test_type_checkers_see_the_same_names() -> None:
    assert sorted(imported_for_type_checkers()) == headrace.__all__


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = headrace.Nothing


def test_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert headrace.__version__ == project["version"]


def test_importing_the_package_loads_nothing_else() -> None:
    assert not loaded_after("import headrace") & {*LIGHT, *HEAVY}


def test_bot_loads_nothing_of_the_lake_or_the_services() -> None:
    loaded = loaded_after(
        "from headrace import Event, EventProducer, Table, UtcTimestamp\nimport headrace.producer.metrics"
    )
    assert loaded >= set(LIGHT)
    assert not loaded & set(HEAVY)
