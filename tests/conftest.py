"""Fixtures of all tests; those with brokers are shipped with the library."""

pytest_plugins = ["headrace.testing.pytest_plugin"]
