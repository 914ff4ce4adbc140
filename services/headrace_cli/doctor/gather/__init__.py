"""The I/O that brings the facts."""
