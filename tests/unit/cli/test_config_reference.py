import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from headrace.settings import Settings, load_settings
from headrace_cli.config_reference import reference

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "configuration.md"


def variables() -> list[str]:
    found = []
    for name, info in Settings.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            found += [f"HEADRACE_{name}__{field}".upper() for field in section.model_fields]
        else:
            found.append(f"HEADRACE_{name}".upper())
    return found


def test_the_page_is_what_the_settings_classes_say() -> None:
    assert PAGE.read_text() == reference(), "run: python -m headrace_cli.config_reference > docs/configuration.md"


def test_the_module_prints_the_page() -> None:
    command = [sys.executable, "-m", "headrace_cli.config_reference"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == reference()


@pytest.mark.parametrize("variable", variables())
def test_every_variable_has_a_row_with_a_meaning(variable: str) -> None:
    (row,) = [line for line in reference().splitlines() if line.startswith(f"| `{variable}` |")]
    cells = row.replace("\\|", "").strip("|").split("|")
    assert len(cells) == 4
    assert all(cell.strip() for cell in cells)


def test_the_example_file_is_one_that_settings_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = reference().partition("```toml\n")[2].partition("```")[0]
    file = tmp_path / "example.toml"
    file.write_text(example)
    monkeypatch.setenv("HEADRACE_CONFIG", str(file))
    monkeypatch.delenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    settings = load_settings()
    assert settings.contracts == ("my_bots.events",)
    assert settings.kafka.bootstrap_servers == "kafka-1:9093,kafka-2:9093"
    assert settings.kafka.client == {"client.id": "worker-1"}
    assert settings.lake.root == "/srv/lake"
    assert settings.ingest.flush_seconds == 5.0
