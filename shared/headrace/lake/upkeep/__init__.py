"""What maintenance reads of a table and does to it; what is due is decided elsewhere."""
