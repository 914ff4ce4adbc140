"""docs/interop.md is what the tests of other engines hold, with the versions that they ran on."""

from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.spark.peer import DELTA, SPARK
from tests.interop.spark.foreign import FOREIGN_WRITES

PAGE = (Path(__file__).parents[2] / "docs" / "interop.md").read_text()


def cells(section: str) -> list[list[str]]:
    """The first table of a section, without head and rule."""
    found = PAGE.partition(f"\n## {section}\n")[2].partition("\n|")[2].partition("\n\n")[0]
    rows = [line for line in f"|{found}".splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_what_follows_of_foreign_writes_is_what_is_tested() -> None:
    assert cells("Writers") == [list(line) for write in FOREIGN_WRITES for line in write.lines]


def test_readers_are_listed_with_the_versions_that_were_tried() -> None:
    tried = {row[0].partition(",")[0].partition(" with")[0]: row[1] for row in cells("Readers")}
    assert tried == {
        "`headrace.lake.Lake`": "of this release",
        "deltalake": version("deltalake"),
        "polars": version("polars"),
        "DuckDB": version("duckdb"),
        "Spark": f"{SPARK}, {DELTA}",
    }
