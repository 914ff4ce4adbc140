"""The maintenance worker: keeps tables quick to read and to write, and changes no row."""
