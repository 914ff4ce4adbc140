"""Writes checkpoints of the newest version, again and again, as soon as all others are ready: ROOT TIMES.

After each, the table is opened as a reader does, and has to hold all that it held before.
"""

import sys

from headrace.lake.contents import active_files
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.testing.race import starting_line

store, times = Store(sys.argv[1]), int(sys.argv[2])
starting_line()
held = 0
for number in range(times):
    log = DeltaLog(store, "numbers")
    log.checkpoint()
    if number % 5 == 0:
        log.commit([], {f"racer-{sys.argv[3]}": number + 1}, {"batch": f"{sys.argv[3]}-{number}"})
    files = len(active_files(store, "numbers"))
    if files < held:
        msg = f"{files} files are left of {held}"
        raise RuntimeError(msg)
    held = files
print(held)
