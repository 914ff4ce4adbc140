"""`prometheus` and `promtool`: those on the PATH, or else those of Debian's package, unpacked into the cache.

Unpacking needs no root and installs nothing: the two programs need no other package, only the pages of the web
interface would. Where apt-get is not, such as on Fedora or macOS, they have to be on the PATH.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from headrace.errors import ConfigError
from headrace.testing.cache import cache_root, locked

_PACKAGE = "prometheus"
_NEEDED = ("apt-get", "dpkg")
_FETCH_SECONDS = 300


def problem() -> str | None:
    """Why Prometheus cannot be had on this machine, or None if it can."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if not missing or (installed("prometheus") and installed("promtool")):
        return None
    return f"prometheus and promtool are not on the PATH, and Debian's cannot be fetched: no {' and no '.join(missing)}"


def program(name: str) -> Path:
    """Where `prometheus` or `promtool` is; the first time ever it is fetched.

    Processes that ask at the same time wait for one of them to fetch.

    Raises:
        ConfigError: it is not on the PATH and cannot be fetched; the message ends with what apt-get said.
    """
    found = installed(name)
    if found is not None:
        return found
    said = problem()
    if said:
        raise ConfigError(said)
    folder = cache_root() / _PACKAGE
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            _fetch(folder)
    return folder / "usr" / "bin" / name


def installed(name: str) -> Path | None:
    """Where `prometheus` or `promtool` is, on the PATH or fetched before; None if it would have to be fetched."""
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    cached = cache_root() / _PACKAGE / "usr" / "bin" / name
    return cached if cached.is_file() else None


def _fetch(folder: Path) -> None:
    """Leaves nothing unless all of it worked: the folder appears by a rename."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as scratch:
        # Lists and caches of its own, so that neither root nor an earlier `apt-get update` is needed.
        for name in ("lists", "cache"):
            Path(scratch, name).mkdir()
        apt = ["apt-get", "-q", f"-oDir::State::lists={scratch}/lists", f"-oDir::Cache={scratch}/cache"]
        unsandboxed = "-oAPT::Sandbox::User="  # else root fetches as a user who may not write here
        _run([*apt, unsandboxed, "update"], scratch)
        _run([*apt, unsandboxed, "download", _PACKAGE], scratch)
        (package,) = Path(scratch).glob("*.deb")
        _run(["dpkg", "-x", package.name, "unpacked"], scratch)
        Path(scratch, "unpacked").rename(folder)


def _run(command: list[str], folder: str) -> None:
    try:
        subprocess.run(
            command, check=True, cwd=folder, text=True, timeout=_FETCH_SECONDS, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        msg = f"Debian's package {_PACKAGE} could not be fetched: `{' '.join(command)}` said\n{error.stdout[-2000:]}"
        raise ConfigError(msg) from None
    except subprocess.TimeoutExpired:
        msg = f"Debian's package {_PACKAGE} was not fetched within {_FETCH_SECONDS} s"
        raise ConfigError(msg) from None
