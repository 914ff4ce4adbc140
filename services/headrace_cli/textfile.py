"""Metrics files for the node exporter's textfile collector."""

from pathlib import Path

from prometheus_client import write_to_textfile
from prometheus_client.registry import CollectorRegistry

from headrace.errors import ConfigError


def check_name(path: Path) -> None:
    """Makes sure that the collector would read a file of that name.

    Raises:
        ConfigError: it would not.
    """
    if path.suffix != ".prom":
        msg = f"{path} would not be collected: the name of a metrics file ends in .prom"
        raise ConfigError(msg)


def write_registry(path: Path, registry: CollectorRegistry) -> None:
    """Replaces the file; whoever reads it sees the old one or the new one.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}"
        raise ConfigError(msg) from None
