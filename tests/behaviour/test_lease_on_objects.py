"""The lease where tables lie in an object store: against a server that speaks S3 over HTTP, in a process of its own."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from headrace.errors import MaintenanceHeldError
from headrace.lake.store import Store
from headrace.lake.upkeep.lease import TTL, Lease, read_record, take_lease
from headrace.testing.manual_clock import ManualClock
from headrace.testing.waiting import PATIENCE_SECONDS


def test_a_second_holder_is_refused_by_name_until_the_first_gives_back(objects: str) -> None:
    clock = ManualClock()
    first = take_lease(Store(objects), "t", "one/1", clock)

    with pytest.raises(MaintenanceHeldError, match="t is maintained by one/1 since 2026-01-01 00:00:00 UTC"):
        take_lease(Store(objects), "t", "two/2", clock)
    first.release()

    assert take_lease(Store(objects), "t", "two/2", clock).record.epoch == 2


def test_a_holder_that_does_not_renew_is_taken_over_and_notices(objects: str) -> None:
    clock = ManualClock()
    dead = take_lease(Store(objects), "t", "one/1", clock)
    clock.advance(TTL / timedelta(seconds=2))
    dead.beat()  # a long merge says that its holder lives
    clock.advance(TTL / timedelta(seconds=2))
    with pytest.raises(MaintenanceHeldError):
        take_lease(Store(objects), "t", "two/2", clock)
    clock.advance(TTL / timedelta(seconds=1))

    assert take_lease(Store(objects), "t", "two/2", clock).record.epoch == 2
    with pytest.raises(MaintenanceHeldError, match="t is maintained by two/2"):
        dead.renew()
    assert read_record(Store(objects), "t").holder == "two/2"


def test_of_many_that_take_it_at_once_one_gets_it(objects: str) -> None:
    count, clock = 6, ManualClock()
    gate = Barrier(count)

    def attempt(number: int) -> Lease | None:
        store = Store(objects)
        gate.wait(PATIENCE_SECONDS)
        try:
            return take_lease(store, "t", f"taker/{number}", clock)
        except MaintenanceHeldError:
            return None

    with ThreadPoolExecutor(count) as pool:
        leases = [lease for lease in pool.map(attempt, range(count)) if lease is not None]

    (lease,) = leases
    assert read_record(Store(objects), "t").holder == lease.record.holder
    assert lease.record.epoch == 1
