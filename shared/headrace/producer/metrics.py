"""Producers in a Prometheus registry of the bot's own. Needs the package `prometheus-client`."""

from typing import TYPE_CHECKING

from headrace.errors import ConfigError
from headrace.producer._health import Reporting

if TYPE_CHECKING:
    from prometheus_client.registry import Collector, CollectorRegistry


def register(*producers: Reporting, registry: "CollectorRegistry | None" = None) -> "Collector":
    """Shows producers in a registry, under the names of docs/metrics.md. Call it once with all that it shall show.

    Args:
        producers: `EventProducer` or `AsyncEventProducer`, each with a name of its own.
        registry: of the bot; by default that of prometheus_client.

    Returns:
        What was registered, for `registry.unregister`.

    Raises:
        ConfigError: prometheus_client is not installed, or two producers have one name.
    """
    try:
        import prometheus_client  # noqa: PLC0415  # bots that do without need not have it
    except ImportError:
        msg = "metrics need the package prometheus-client: pip install prometheus-client"
        raise ConfigError(msg) from None
    names = [producer.name for producer in producers]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        msg = f"two producers are named {min(twice)!r}: give each a name of its own, it is a label of its metrics"
        raise ConfigError(msg)
    from headrace.producer._collector import ProducerCollector  # noqa: PLC0415  # likewise

    collector = ProducerCollector(producers)
    (registry or prometheus_client.REGISTRY).register(collector)
    return collector
