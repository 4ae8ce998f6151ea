"""Who is at the work of which execution: promised, under way, or to stop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOOK_AGAIN = 0.5
"""Seconds after which what is waited for is looked at again, whoever tells."""
LONGEST_GOODBYE = 5.0
"""Seconds that closing waits for work to come to its next batch."""


class Bench:
    """The work of one workspace's executions; ids are folded.

    An execution passes through three sets: somebody has promised to begin its work, somebody is at
    it, whoever is at it is to stop.

    Args:
        lock: its owner's; every method but `may_go_on` takes it, and waiting lets it go.

    """

    def __init__(self, lock: threading.RLock) -> None:
        self._changed = threading.Condition(lock)
        self._promised: set[str] = set()
        self._at_work: set[str] = set()
        self._stopping: set[str] = set()
        self.is_closed = False

    def is_promised(self, execution: str) -> bool:
        """Whether somebody will begin its work."""
        with self._changed:
            return execution in self._promised

    def is_at_work(self, execution: str) -> bool:
        """Whether somebody is at its work."""
        with self._changed:
            return execution in self._at_work

    def is_busy(self, execution: str) -> bool:
        """Whether either holds."""
        return self.is_promised(execution) or self.is_at_work(execution)

    def may_go_on(self, execution: str) -> bool:
        """Whether whoever is at its work may go on; asked often, so without the lock."""
        return not self.is_closed and execution not in self._stopping

    def promise(self, executions: Iterable[str]) -> None:
        """Somebody will begin the work of these."""
        with self._changed:
            self._promised.update(executions)

    def redeem(self, execution: str) -> None:
        """The promise is kept now, or is of no matter any more."""
        with self._changed:
            self._promised.discard(execution)
            self._changed.notify_all()

    def begin(self, execution: str) -> None:
        """Somebody is at its work from now on."""
        with self._changed:
            self._at_work.add(execution)

    def leave(self, execution: str) -> None:
        """Nobody is at its work any more."""
        with self._changed:
            self._at_work.discard(execution)
            self._stopping.discard(execution)
            self._changed.notify_all()

    def stop(self, execution: str) -> None:
        """Has its work stop at its next batch, and waits until it has."""
        with self._changed:
            self._stopping.add(execution)
            self.wait_for_end(execution)

    def wait_for_end(self, execution: str) -> None:
        """Returns when nobody is at its work."""
        with self._changed:
            self._changed.wait_for(lambda: execution not in self._at_work)

    def wait_for_all(self) -> bool:
        """Waits until there is no work, promised or under way; whether there was any."""
        with self._changed:
            busy = bool(self._promised or self._at_work)
            self._changed.wait_for(lambda: self.is_closed or not (self._promised or self._at_work))
            return busy and not self.is_closed

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Returns when this holds, or all is closed.

        It is looked at whenever something has changed, and once in a while: it may hang on what
        tells nobody, such as the clock's mode.
        """
        with self._changed:
            while not (self.is_closed or holds()):
                self._changed.wait(LOOK_AGAIN)

    def tell(self) -> None:
        """Something has changed that others may wait for."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Stops all work at its next batch, and waits for it a while."""
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._at_work, timeout=LONGEST_GOODBYE)
