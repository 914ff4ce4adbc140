"""The jars of Apache Kafka, fetched once with Maven and kept in a cache; a half-fetched set is never used."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.errors import BrokerUnreachableError, ConfigError

KAFKA_VERSION = "4.1.1"
_SCALA = "2.13"
_LOG4J = "2.24.3"  # the one Kafka 4.1.1 depends on; its SLF4J binding is not among Kafka's dependencies
_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_LEAST_JAVA = 17
_FETCH_SECONDS = 600

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_{_SCALA}</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>{_LOG4J}</version>
    </dependency>
  </dependencies>
</project>
"""


def available() -> str | None:
    """Why a real Kafka cannot be started on this machine, or None if it can."""
    problem = _java_problem()
    if problem is None and not _is_fetched(jar_folder()) and shutil.which("mvn") is None:
        problem = "mvn is not on the PATH, and Kafka's jars are not in the cache yet"
    return problem and f"no Apache Kafka can be started: {problem}"


def java() -> str:
    """The Java to run, from JAVA_HOME or else the PATH.

    Raises:
        ConfigError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found is None:
        msg = f"java is not in {home}/bin, which JAVA_HOME names" if home else "java is not on the PATH"
        raise ConfigError(msg)
    return found


def jar_folder() -> Path:
    """Where the jars are kept: under HEADRACE_CACHE_DIR, or else the user's cache folder."""
    own = os.environ.get("HEADRACE_CACHE_DIR")
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(own) if own else Path(users) / "headrace"
    return root.absolute() / "kafka" / KAFKA_VERSION


def fetch_jars() -> Path:
    """The folder with the jars, after fetching them if they are not there yet.

    Processes that ask at the same time wait for one of them to fetch.

    Raises:
        BrokerUnreachableError: Maven could not fetch them; the message ends with what it said.
    """
    folder = jar_folder()
    if _is_fetched(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        if not _is_fetched(folder):
            _fetch(folder)
    return folder


def _is_fetched(folder: Path) -> bool:
    return folder.is_dir()  # it appears by a rename, so it is complete


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as scratch:
        pom, jars = Path(scratch, "pom.xml"), Path(scratch, "jars")
        pom.write_text(_POM)
        maven = shutil.which("mvn") or "mvn"
        command = [maven, "-q", "-B", "-f", str(pom), _GOAL, f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
        try:
            subprocess.run(
                command, check=True, text=True, timeout=_FETCH_SECONDS, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            msg = f"Maven could not fetch the jars of Kafka {KAFKA_VERSION}:\n{error.stdout[-2000:]}"
            raise BrokerUnreachableError(msg) from None
        except subprocess.TimeoutExpired:
            msg = f"Maven did not fetch the jars of Kafka {KAFKA_VERSION} within {_FETCH_SECONDS} s"
            raise BrokerUnreachableError(msg) from None
        jars.rename(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _java_problem() -> str | None:
    try:
        program = java()
    except ConfigError as error:
        return str(error)
    said = subprocess.run(
        [program, "-version"], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ).stdout
    major = re.search(r'version "(\d+)', said)
    if major is None or int(major[1]) < _LEAST_JAVA:
        return f"{program} is not Java {_LEAST_JAVA} or newer: {said.splitlines()[0] if said else 'it said nothing'}"
    return None
