"""Peak resident memory of a worker that meets a small and a large backlog: it must be the same."""

from benchmarks.cluster import Cluster

SMALL, LARGE = 200_000, 10_000_000


def measure(cluster: Cluster) -> dict[str, object]:
    """One drain of each."""
    cluster.new_topic()
    cluster.fill(SMALL)
    small = cluster.drain(SMALL)
    cluster.fill(LARGE - SMALL)
    large = cluster.drain(LARGE)
    return {
        "budget_mib": 512,
        "small_backlog": SMALL,
        "small_peak_rss_mib": round(small.peak_rss_mib),
        "large_backlog": LARGE,
        "large_peak_rss_mib": round(large.peak_rss_mib),
        "large_worker_per_second": round(large.rate),
    }
