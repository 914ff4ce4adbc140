"""Files that an earlier run left and this run writes anew."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from headrace.errors import ConfigError

_Content = TypeVar("_Content")


def read_earlier(path: Path, parse: Callable[[bytes], _Content], *, what: str) -> _Content | None:
    """What an earlier run left; None if there is no such file yet.

    Args:
        path: the file.
        parse: raises ValueError if the file holds something else.
        what: it holds, in words.

    Raises:
        ConfigError: it cannot be read, or holds something else; or it has no folder to lie in.
    """
    if not path.absolute().parent.is_dir():
        msg = f"{path} cannot be written: make its folder first"
        raise ConfigError(msg)
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise ConfigError(msg) from None
    except ValueError as error:
        msg = f"{path} does not hold {what} ({error}): name another file, or remove it"
        raise ConfigError(msg) from None
