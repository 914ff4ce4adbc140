"""The canary: heartbeats through Kafka into a table of their own, and a look at what arrived."""
