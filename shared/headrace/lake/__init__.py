"""The only door to deltalake and the store: tables, data files, commits."""
