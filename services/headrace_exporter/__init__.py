"""The exporter: tells how tables stand and how far they are behind their topics, from the tables themselves."""
