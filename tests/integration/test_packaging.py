"""What users install: the wheel is complete, and a bot's install is light."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SOURCE_ROOTS = (PROJECT / "shared", PROJECT / "services")

BOT = """
import importlib.util
import headrace
import headrace.testing
from headrace import Event, EventProducer, Price, Symbol, Table, UtcTimestamp
print(headrace.__file__)
for heavy in ("deltalake", "obstore", "polars", "prometheus_client", "pyarrow", "pydantic_settings", "rich", "typer"):
    assert importlib.util.find_spec(heavy) is None, heavy
"""

EVERYTHING = """
import importlib, pkgutil, sys
wheel = sys.argv[1]
sys.path.insert(0, wheel)
for module in pkgutil.walk_packages([wheel]):
    assert importlib.import_module(module.name).__file__.startswith(wheel), module.name
    print(module.name)
"""


def run(*command: str | Path, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, check=False,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=PROJECT)
    (built,) = folder.glob("*.whl")
    return built


def source_files() -> set[str]:
    """What is versioned or could be, by its path in the wheel."""
    return {
        path.relative_to(root).as_posix()
        for root in SOURCE_ROOTS
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_holds_every_file_of_every_package(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert packed == source_files()


def test_wheel_carries_its_licence_and_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    names = {name.partition(".dist-info/")[2]: name for name in archive.namelist()}

    assert "licenses/LICENSE" in names
    assert "headrace = headrace_cli.main:main" in archive.read(names["entry_points.txt"]).decode()


def test_every_module_of_the_wheel_can_be_imported(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)

    imported = run(sys.executable, "-I", "-c", EVERYTHING, tmp_path, cwd=tmp_path).split()

    modules = {name.removesuffix(".py").replace("/", ".") for name in source_files() if name.endswith(".py")}
    assert set(imported) == {name.removesuffix(".__init__") for name in modules}


def test_bare_install_serves_bots_without_the_lake(wheel: Path, tmp_path: Path) -> None:
    pinned = re.findall(r"^[\w.-]+==[^\\\n]+", (PROJECT / "requirements.lock").read_text(), re.MULTILINE)
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(pinned))
    python = tmp_path / "venv" / "bin" / "python"
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
        install: list[str | Path] = [uv, "pip", "install", "--python", python]
    else:
        run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
        install = [python, "-m", "pip", "install"]
    run(*install, "--quiet", "--constraint", constraints, wheel, cwd=tmp_path)

    imported_from = run(python, "-I", "-c", BOT, cwd=tmp_path).strip()

    assert Path(imported_from).is_relative_to(tmp_path / "venv")
