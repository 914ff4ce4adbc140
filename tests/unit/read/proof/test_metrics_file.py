"""What a scheduled proof leaves for Prometheus."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace.errors import ConfigError
from headrace.metrics import VERIFY
from headrace_cli.main import run
from headrace_cli.verify_metrics import MetricsFile
from tests.unit.read.proof.tables import TableBuilder


def values(path: Path, name: str) -> dict[str, float]:
    """Values of one metric by the label beside the table."""
    samples = [s for family in text_string_to_metric_families(path.read_text()) for s in family.samples]
    return {
        "".join(value for label, value in s.labels.items() if label != "table"): s.value
        for s in samples
        if s.name == f"headrace_verify_{name}"
    }


def test_a_pass_is_told_with_its_numbers(lake: TableBuilder, tmp_path: Path) -> None:
    path = tmp_path / "verify.prom"
    assert run(["verify", "--quiet", "--metrics-file", str(path)]) == 0

    assert values(path, "verdict") == {"PASS": 1, "UNKNOWN": 0, "FAIL": 0}
    assert values(path, "level_checked") == {"log": 1, "files": 1, "broker": 0, "ledger": 0}
    assert values(path, "version") == values(path, "last_pass_version") == {"": 3}
    assert values(path, "since_version") == {"": -1}
    assert values(path, "rows") == {"": 345}
    assert set(values(path, "findings").values()) == {0}
    last = values(path, "last_run_timestamp_seconds")
    assert last == values(path, "last_pass_timestamp_seconds") == values(path, "last_whole_pass_timestamp_seconds")
    assert [file.name for file in tmp_path.glob("verify*")] == ["verify.prom"]


def test_every_metric_of_the_catalogue_is_reported(lake: TableBuilder, tmp_path: Path) -> None:
    path = tmp_path / "verify.prom"
    run(["verify", "--quiet", "--metrics-file", str(path)])

    reported = {family.name for family in text_string_to_metric_families(path.read_text()) if family.samples}
    assert reported == {metric.name for metric in VERIFY}


def test_the_last_pass_is_remembered_over_runs_that_fail(lake: TableBuilder, tmp_path: Path) -> None:
    path = tmp_path / "verify.prom"
    run(["verify", "--quiet", "--metrics-file", str(path)])
    passed = values(path, "last_pass_timestamp_seconds")
    for offset in range(300, 420, 10):
        lake.land({0: (offset + 1, offset + 10)})

    for _ in range(2):
        assert run(["verify", "--quiet", "--metrics-file", str(path)]) == 1

    assert values(path, "verdict") == {"PASS": 0, "UNKNOWN": 0, "FAIL": 1}
    assert values(path, "last_pass_timestamp_seconds") == passed
    assert values(path, "last_whole_pass_timestamp_seconds") == passed
    assert values(path, "last_pass_version") == {"": 3}
    assert values(path, "last_run_timestamp_seconds")[""] > passed[""]
    assert values(path, "version") == {"": 15}
    assert values(path, "findings")["chain_broken"] == 12


def test_a_pass_since_a_version_is_no_whole_one(lake: TableBuilder, tmp_path: Path) -> None:
    path = tmp_path / "verify.prom"

    assert run(["verify", "trades", "--quiet", "--since", "2", "--metrics-file", str(path)]) == 0

    assert values(path, "since_version") == {"": 2}
    assert values(path, "last_pass_timestamp_seconds")
    assert values(path, "last_whole_pass_timestamp_seconds") == {}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("verify.json", None, "ends in .prom"),
        ("verify.prom", "{]", "does not hold metrics"),
        ("gone/verify.prom", None, "make its folder first"),
    ],
)
def test_a_file_that_will_not_do_is_told_before_the_proof(
    tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError, match=told):
        MetricsFile(path)


def test_a_file_that_cannot_be_written_is_told_after_the_verdict(
    lake: TableBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longest = tmp_path / ("x" * 250 + ".prom")  # what is written under another name first has none left

    assert run(["verify", "--quiet", "--metrics-file", str(longest)]) == ConfigError.exit_code

    out, err = capsys.readouterr()
    assert "verify: PASS" in out
    assert "cannot be written" in err
