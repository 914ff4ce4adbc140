"""The ingest worker: one process per table, from Kafka records to exactly-once Delta commits."""
