"""Fixtures of all tests; those with brokers are shipped with the library."""

from hypothesis import settings

pytest_plugins = ["headrace.testing.pytest_plugin"]

# How fast the machine is is no property of the code.
settings.register_profile("headrace", deadline=None, print_blob=True)
settings.load_profile("headrace")
