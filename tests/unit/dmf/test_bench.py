"""Who is at the work of which execution."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from d365fo_emulator.dmf.bench import Bench

pytestmark = pytest.mark.evidence("inferred")
SECONDS = 30  # until a test that hangs gives up


@pytest.fixture
def bench():
    return Bench(threading.RLock())


def test_work_goes_from_its_promise_to_its_end(bench):
    bench.promise(["x"])
    assert (bench.is_promised("x"), bench.is_at_work("x"), bench.is_busy("x")) == (
        True,
        False,
        True,
    )
    bench.redeem("x")
    bench.begin("x")
    assert (bench.is_promised("x"), bench.is_at_work("x"), bench.is_busy("x")) == (
        False,
        True,
        True,
    )
    assert bench.may_go_on("x")
    bench.leave("x")
    assert not bench.is_busy("x")


def test_who_stops_work_waits_until_it_has_stopped(bench):
    bench.begin("x")
    told = threading.Event()

    def work():
        while bench.may_go_on("x"):
            told.wait(0.001)
        bench.leave("x")
        return True

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        bench.stop("x")
        assert not bench.is_at_work("x")
        assert worker.result(SECONDS)
    bench.begin("x")
    assert bench.may_go_on("x"), "the next work is not the one that was to stop"


def test_waiting_for_all_says_whether_there_was_any(bench):
    assert not bench.wait_for_all()
    bench.promise(["x"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bench.wait_for_all)
        bench.redeem("x")
        assert waiting.result(SECONDS) in {True, False}
    assert not bench.wait_for_all()


def test_closing_stops_all_work_and_lets_nobody_wait(bench):
    bench.promise(["x"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bench.wait_until, lambda: False)
        bench.close()
        waiting.result(SECONDS)
    assert not bench.wait_for_all()
    assert not bench.may_go_on("anything")
