"""The threads that run executions on real clocks: one that waits, a few that work.

Workspaces on auto and virtual clocks need none: whoever moves their time runs what is due.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.clock import ClockMode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from d365fo_emulator.dmf.life import Lives
    from d365fo_emulator.kernel.workspace import ExecutionId

WORKERS = 2
"""Executions that run at once; each may have a few threads more (see `crew`)."""

LONGEST_WAIT = 60.0  # seconds; a machine's clock may be set while we wait
AFTER_FAILURE = 1.0  # seconds until executions are looked after again whose store has failed


@contextlib.contextmanager
def crew(size: int) -> Iterator[Executor | None]:
    """Threads for one import, beside the one that runs it; none at all for none.

    At the end they are waited for; what they have not begun by then is dropped.
    """
    if size < 1:
        yield None
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  few imports need it

    pool = ThreadPoolExecutor(size, "import")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Engine:
    """Serves every workspace of one server; starts its threads at the first real clock."""

    def __init__(self) -> None:
        self._lives: list[Lives] = []
        self._changed = threading.Condition()
        self._pending = False
        self._stopped = False
        self._work: queue.SimpleQueue[tuple[Lives, ExecutionId] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def add(self, lives: Lives) -> None:
        """Serves these executions from now on."""
        with self._changed:
            self._lives.append(lives)
        self.wake()

    def remove(self, lives: Lives) -> None:
        """Serves them no longer."""
        with self._changed:
            if lives in self._lives:
                self._lives.remove(lives)

    def wake(self) -> None:
        """Looks for due steps and work now."""
        with self._changed:
            self._pending = True
            if not self._threads and not self._stopped and self._real():
                self._start()
            self._changed.notify()

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the threads; work under way ends at its next batch once its `Lives` is closed."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        for _ in range(WORKERS):
            self._work.put(None)
        for thread in self._threads:
            thread.join(timeout)

    def _real(self) -> list[Lives]:
        return [lives for lives in self._lives if lives.clock.mode is ClockMode.REAL]

    def _start(self) -> None:
        targets = [("engine", self._watch)] + [
            (f"engine worker {number + 1}", self._serve) for number in range(WORKERS)
        ]
        for name, target in targets:
            thread = threading.Thread(target=target, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _watch(self) -> None:
        pause = 0.0
        while True:
            with self._changed:
                if not self._pending and not self._stopped:
                    self._changed.wait(pause)
                if self._stopped:
                    return
                self._pending = False
                real = self._real()
            pause = min([LONGEST_WAIT, *(self._look_after(lives) for lives in real)])

    def _look_after(self, lives: Lives) -> float:
        """Enters what is due, hands out its work, and says how many seconds to wait then.

        The store's locks are taken here, so the lock of the engine must not be held.
        """
        now = lives.clock.now
        try:
            lives.settle(now)
            for execution in lives.take_ready(now):
                self._work.put((lives, execution))
            due = lives.next_due()
        except Exception as error:  # noqa: BLE001  one workspace must not stop all others
            lives.on_failure(error)
            return AFTER_FAILURE
        if due is None:
            return LONGEST_WAIT
        return max((due - lives.clock.now).total_seconds(), 0.001)

    def _serve(self) -> None:
        while (task := self._work.get()) is not None:
            lives, execution = task
            lives.work(execution)
