"""Calls of ImportFromPackage that overlap for one data project: the setting `parallelImports`."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
