"""Makes and lists the Iceberg table with pyiceberg, in the peer's own environment.

`python catalog.py create FOLDER` makes an SQLite catalog with an empty table of trades, partitioned by day;
`python catalog.py list FOLDER` prints each data file of the current snapshot and the snapshot that added it, as JSON.
"""

import json
import sys
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import DecimalType, IcebergType, IntegerType, LongType, NestedField, StringType, TimestamptzType

TABLE = ("market", "trades")
_MONEY = DecimalType(18, 4)
_COLUMNS: dict[str, IcebergType] = {
    "transaction_id": StringType(),
    "strategy_id": StringType(),
    "leg_id": StringType(),
    "symbol": StringType(),
    "action": StringType(),
    "quantity": LongType(),
    "price": _MONEY,
    "commission": _MONEY,
    "timestamp": TimestamptzType(),
    "order_id": StringType(),
    "account": StringType(),
    "_partition": IntegerType(),
    "_offset": LongType(),
    "_kafka_timestamp": TimestamptzType(),
}


def main() -> None:
    """Does what was asked for."""
    action, folder = sys.argv[1], Path(sys.argv[2])
    catalog = SqlCatalog("iceberg", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    if action == "create":
        _create(catalog)
    else:
        table = catalog.load_table(TABLE)
        entries = table.inspect.entries().to_pylist() if table.current_snapshot() else []
        json.dump(
            [{"path": each["data_file"]["file_path"], "snapshot": each["snapshot_id"]} for each in entries], sys.stdout
        )


def _create(catalog: SqlCatalog) -> None:
    fields = [
        NestedField(number, name, kind, required=False) for number, (name, kind) in enumerate(_COLUMNS.items(), 1)
    ]
    schema = Schema(*fields)
    day = PartitionField(schema.find_field("timestamp").field_id, 1000, DayTransform(), "timestamp_day")
    catalog.create_namespace(TABLE[0])
    catalog.create_table(TABLE, schema, partition_spec=PartitionSpec(day))


if __name__ == "__main__":
    main()
