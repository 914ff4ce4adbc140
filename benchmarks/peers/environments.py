"""Environments of peers under the cache folder: each has its own, made once, remade when its list changes."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers.peer import PeerError
from headrace.errors import HeadraceError
from headrace.testing.cache import cache_root
from headrace.testing.jars import JarSet, java

_INSTALL_SECONDS = 900


def peer_folder(name: str) -> Path:
    """Where the peer's environment is kept."""
    folder = cache_root() / "peers" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def virtual_environment(name: str, requirements: Path) -> str:
    """The interpreter of an environment with exactly the locked requirements.

    Raises:
        PeerError: it could not be made; the message ends with what the installer said.
    """
    folder = peer_folder(name) / "venv"
    made_of = folder / "made-of"
    digest = _digest(requirements)
    python = folder / "bin" / "python"
    if not made_of.exists() or made_of.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        uv = shutil.which("uv")
        locked = ["--require-hashes", "-r", str(requirements)]
        if uv:
            _run([uv, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, str(folder)])
            _run([uv, "pip", "install", "--quiet", "--python", str(python), *locked])
        else:
            _run([sys.executable, "-m", "venv", str(folder)])
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *locked])
        made_of.write_text(digest)
    return str(python)


def versions_of(requirements: Path, *names: str) -> dict[str, str]:
    """Versions that the lock file pins for `names`."""
    pinned = dict(line.split(" ")[0].split("==") for line in requirements.read_text().splitlines() if "==" in line)
    return {name: pinned[name] for name in names}


def fetched(jars: JarSet) -> Path:
    """The folder of the jars.

    Raises:
        PeerError: they cannot be had.
    """
    problem = jars.problem()
    if problem:
        raise PeerError(problem)
    try:
        return jars.fetch()
    except HeadraceError as error:
        raise PeerError(str(error)) from error


def compiled(name: str, source: Path, jars: Path) -> Path:
    """The folder with the classes of one Java file, compiled unless that was done before.

    Raises:
        PeerError: there is no compiler, or it refused the file.
    """
    folder = peer_folder(name) / f"classes-{jars.name}-{_digest(source)[:12]}"
    if folder.exists():
        return folder
    compiler = shutil.which("javac", path=str(Path(java()).resolve().parent)) or shutil.which("javac")
    if compiler is None:
        msg = "javac is not beside java nor on the PATH: a JDK is needed"
        raise PeerError(msg)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="compiling-") as scratch:
        classes = Path(scratch, "classes")
        _run([compiler, "-cp", f"{jars}/*", "-d", str(classes), str(source)])
        classes.rename(folder)
    return folder


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, check=False, text=True, timeout=_INSTALL_SECONDS, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        msg = f"{Path(command[0]).name} ended with {done.returncode}: {done.stdout[-2000:]}"
        raise PeerError(msg)
