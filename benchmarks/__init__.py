"""Measurements of the main path, each beside the limit it is compared with. `make bench` runs them all."""
