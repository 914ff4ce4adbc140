"""Sets of jars, fetched once with Maven and kept in a cache; a half-fetched set is never used."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from headrace.errors import BrokerUnreachableError, ConfigError
from headrace.testing.cache import cache_root, locked

_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_LEAST_JAVA = 17
_FETCH_SECONDS = 600

CONSOLE_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""
"""Of log4j 2: warnings and errors on standard output."""

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>{}
  </dependencies>
</project>
"""
_DEPENDENCY = """
    <dependency>
      <groupId>{}</groupId>
      <artifactId>{}</artifactId>
      <version>{}</version>
    </dependency>"""


@dataclass(frozen=True)
class JarSet:
    """Some artifacts of Maven Central and all that they need to run.

    Args:
        name: folder under the cache, unique for this set: `kafka/4.1.1`.
        artifacts: `group:artifact:version` of each.
    """

    name: str
    artifacts: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the jars are kept, whether or not they are there yet."""
        return cache_root() / self.name

    def problem(self) -> str | None:
        """Why these jars cannot be had or run on this machine, or None if they can."""
        problem = _java_problem()
        if problem is None and not self._is_fetched() and shutil.which("mvn") is None:
            problem = "mvn is not on the PATH, and the jars are not in the cache yet"
        return problem

    def fetch(self) -> Path:
        """The folder with the jars, after fetching them if they are not there yet.

        Processes that ask at the same time wait for one of them to fetch.

        Raises:
            BrokerUnreachableError: Maven could not fetch them; the message ends with what it said.
        """
        folder = self.folder
        if self._is_fetched():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_name(f"{folder.name}.lock")):
            if not self._is_fetched():
                self._fetch()
        return folder

    def _is_fetched(self) -> bool:
        return self.folder.is_dir()  # it appears by a rename, so it is complete

    def _fetch(self) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix="fetching-") as scratch:
            pom, jars = Path(scratch, "pom.xml"), Path(scratch, "jars")
            pom.write_text(_POM.format("".join(_DEPENDENCY.format(*each.split(":")) for each in self.artifacts)))
            maven = shutil.which("mvn") or "mvn"
            command = [maven, "-q", "-B", "-f", str(pom), _GOAL, f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
            try:
                subprocess.run(
                    command, check=True, text=True, timeout=_FETCH_SECONDS, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                )  # fmt: skip
            except subprocess.CalledProcessError as error:
                msg = f"Maven could not fetch the jars of {self.name}:\n{error.stdout[-2000:]}"
                raise BrokerUnreachableError(msg) from None
            except subprocess.TimeoutExpired:
                msg = f"Maven did not fetch the jars of {self.name} within {_FETCH_SECONDS} s"
                raise BrokerUnreachableError(msg) from None
            jars.rename(self.folder)


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
