"""Where Prometheus is taken from; that it is fetched where it is missing shows on every machine that has none."""

from pathlib import Path

import pytest

from headrace.errors import ConfigError
from headrace.testing.prometheus_programs import problem, program


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with nothing: gives the one folder of its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)


def test_those_on_the_path_come_first(bare: Path) -> None:
    put(bare, "prometheus", "promtool")

    assert problem() is None
    assert program("promtool") == bare / "promtool"


@pytest.mark.usefixtures("bare")
def test_where_they_cannot_be_had_it_is_said_why() -> None:
    assert "no apt-get and no dpkg" in (problem() or "")
    with pytest.raises(ConfigError, match="not on the PATH"):
        program("prometheus")


def test_what_apt_get_says_is_told_and_nothing_is_left_half_fetched(bare: Path, tmp_path: Path) -> None:
    put(bare, "dpkg")
    (bare / "apt-get").write_text("#!/bin/sh\necho no route to host\nexit 100\n")
    (bare / "apt-get").chmod(0o755)

    with pytest.raises(ConfigError, match="no route to host"):
        program("prometheus")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["prometheus.lock"]
