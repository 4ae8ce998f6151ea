"""The only place that makes ids and rolls dice.

Every id follows from the workspace's seed, the kind of id and a counter per kind, so the same
seed and the same requests give the same ids, and asking for one kind never shifts another.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import Counter


class Ids:
    """Seeded ids of one workspace; safe to use from several threads.

    Args:
        seed: the number that everything follows from.
        scope: what keeps two workspaces of one seed apart.
        generation: which run of a kept data directory it is, so that fresh ids never come twice.

    """

    def __init__(self, seed: int, scope: str, generation: int = 0) -> None:
        self._root = f"{seed}|{scope}"
        self._generation = generation
        self._counters: Counter[str] = Counter()
        self._lock = threading.Lock()

    def octets(self, kind: str, length: int = 16) -> bytes:
        """`length` bytes (at most 32), fresh for each call of one kind."""
        with self._lock:
            self._counters[kind] += 1
            turn = self._counters[kind]
        return self.fixed(f"{kind}|{self._generation}|{turn}", length)

    def fixed(self, name: str, length: int = 16) -> bytes:
        """The same `length` bytes (at most 32) for the same `name`, in every run."""
        return hashlib.sha256(f"{self._root}|{name}".encode()).digest()[:length]

    def guid(self, kind: str) -> uuid.UUID:
        """A fresh GUID of this kind."""
        return uuid.UUID(bytes=self.octets(kind), version=4)

    def fixed_guid(self, name: str) -> uuid.UUID:
        """The same GUID for the same `name`, in every run."""
        return uuid.UUID(bytes=self.fixed(name), version=4)

    def number(self, kind: str, low: int, high: int) -> int:
        """A fresh number from `low` to `high`, both included."""
        return low + int.from_bytes(self.octets(kind, 8)) % (high - low + 1)
