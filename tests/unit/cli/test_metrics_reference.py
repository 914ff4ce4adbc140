import subprocess
import sys
from pathlib import Path

from headrace_cli.metrics_reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text() == reference(), "run: python -m headrace_cli.metrics_reference > docs/metrics.md"


def test_the_module_prints_the_page() -> None:
    command = [sys.executable, "-m", "headrace_cli.metrics_reference"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == reference()
