"""What Grafana makes of expressions, names and numbers, as far as boards need it."""

import re
from collections.abc import Mapping

_LABEL = re.compile(r"{{(\w+)}}")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti")
_DECIMAL = ("", "k", "M", "G", "T")


def shown(expression: str, *, interval: str, seconds: float) -> str:
    """The expression where everything is chosen.

    Args:
        expression: of a board.
        interval: for `$__rate_interval`.
        seconds: how long is looked at, for `$__range`.
    """
    for name in ("namespace", "table", "topic"):
        expression = expression.replace(f"${name}", ".*")
    return expression.replace("$__rate_interval", interval).replace("$__range", f"{seconds:.0f}s")


def legend(template: str, labels: Mapping[str, str]) -> str:
    """The name of a series."""
    return _LABEL.sub(lambda found: labels.get(found[1], ""), template).strip()


def told(value: float, unit: str) -> str:
    """A number with its unit, in few characters."""
    match unit:
        case "s":
            return _seconds(value)
        case "percentunit":
            return f"{value:.0%}"
        case "bytes" | "Bps":
            return _scaled(value, 1024, _BINARY) + ("B" if unit == "bytes" else "B/s")
        case "rec/s" | "cps":
            return _scaled(value, 1000, _DECIMAL) + "/s"
    return _scaled(value, 1000, _DECIMAL)


def _seconds(value: float) -> str:
    for size, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if abs(value) >= 2 * size:
            return f"{value / size:.3g} {name}"
    return f"{value:.3g} s" if abs(value) >= 1 or not value else f"{value * 1000:.3g} ms"


def _scaled(value: float, base: int, names: tuple[str, ...]) -> str:
    step = 0
    while abs(value) >= base and step < len(names) - 1:
        value, step = value / base, step + 1
    return f"{value:.3g}{names[step]}"
