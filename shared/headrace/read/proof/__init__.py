"""The proof: a table's log, files and values against the topic or the producers' ledger.

Independent of the library that writes the tables: nothing here imports `headrace.lake` or deltalake.
"""
