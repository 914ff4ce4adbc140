"""How good the data of a table is."""
