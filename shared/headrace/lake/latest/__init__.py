"""Tables of latest rows: one row per key, replaced by marking it as deleted and writing the new one beside it."""
