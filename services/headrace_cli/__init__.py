"""The `headrace` command; each subcommand is thin."""
