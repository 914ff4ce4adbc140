"""How the files of a contract's table are laid out: the same by whoever writes them first or again."""

from headrace.contracts import Contract
from headrace.lake.datafile import FileLayout


def file_layout(contract: Contract) -> FileLayout:
    """How the files of a contract's table are laid out."""
    # Files do not hold the partition column; the log says its value.
    named = dict.fromkeys((contract.event_time, contract.key, *contract.table.key, *contract.table.cluster_by))
    statistics = [name for name in named if name not in (None, contract.table.partition_by)]
    rising = {contract.event_time, "_offset", "_kafka_timestamp"}
    return FileLayout(
        table=contract.name,
        partition_column=contract.table.partition_by,
        statistics=(*statistics, "_partition", "_offset"),
        rising=frozenset(name for name in rising if name is not None),
        plain=frozenset() if contract.event_id is None else frozenset({contract.event_id}),
        # polars reads % right, but does not find the deletion vectors of files below such a folder.
        escape="%" if contract.table.mode == "append" else "!",
    )
