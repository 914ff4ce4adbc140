"""Claims partitions 0 and 1 three times: ROOT. Prints the epochs it got."""

import json
import sys
from threading import Event

from headrace.clock import SystemClock
from headrace.lake.store import Store
from headrace.offsets import OffsetRange
from headrace.testing.numbers import SOURCE
from headrace.testing.race import starting_line
from headrace_ingest.claim import Claimer

claimer = Claimer(Store(sys.argv[1]), "numbers", SOURCE, lambda _: OffsetRange(0, 100), Event().wait, SystemClock())
starting_line()
print(json.dumps([[lease.epoch for lease in claimer.claim([0, 1])] for _ in range(3)]))
