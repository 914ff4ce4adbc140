"""The only door to confluent_kafka."""
