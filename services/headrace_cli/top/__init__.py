"""`headrace top`: tables, processes and what is wrong, from the metrics that processes serve."""
