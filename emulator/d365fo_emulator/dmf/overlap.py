"""What calls have to do with one another: overlapping imports, and URLs that are put off."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from d365fo_emulator.dmf.model import Execution


class ImportCalls:
    """The calls of one workspace that are under way; executions are no part of it.

    Args:
        conduct: `fail`, `serialise` or `allow`: what becomes of the later call.

    """

    def __init__(self, conduct: str) -> None:
        self._conduct = conduct
        self._under_way: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def turn(self, project: str, refusal: Callable[[], Exception]) -> Iterator[None]:
        """Is entered while a call for this data project is under way; waits for its turn first.

        Raises:
            Exception: `refusal`, where overlapping calls fail and another is under way.

        """
        folded = project.casefold()
        with self._changed:
            if self._conduct == "serialise":
                self._changed.wait_for(lambda: not self._under_way[folded])
            elif self._conduct == "fail" and self._under_way[folded]:
                raise refusal()
            self._under_way[folded] += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way[folded] -= 1
                if not self._under_way[folded]:
                    del self._under_way[folded]
                self._changed.notify_all()


class UrlDelays:
    """How often the URL of an exported package was asked for: the setting `exportUrlAfter`.

    Args:
        calls: how many of them are put off, for each execution that has ended.

    """

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._asked: Counter[tuple[str, object]] = Counter()
        self._lock = threading.Lock()

    def puts_off(self, execution: Execution) -> bool:
        """Whether this call is still answered with nothing; a run under a used id counts anew."""
        key = (execution.id.casefold(), execution.created_at)
        with self._lock:
            if self._asked[key] >= self._calls:
                return False
            self._asked[key] += 1
            return True
