"""Creates the table as soon as all others are ready: ROOT NUMBER. Prints whether it won, and the starts it sees."""

import json
import sys

from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.tables import create_table
from headrace.testing.numbers import SOURCE, main_spec
from headrace.testing.race import starting_line

root, number = sys.argv[1], int(sys.argv[2])
starting_line()
store = Store(root)
won = create_table(store, main_spec({0: number, 1: 100 + number}))
log = DeltaLog(store, "numbers")
starts = [log.txn(SOURCE.app_id(partition)) for partition in range(2)]
print(json.dumps({"number": number, "won": won, "version": log.version, "starts": starts}))
