"""A SQLite file with many readers and one writer at a time.

Choices as measured for this workload: write-ahead log; writers meet at a fair gate in Python,
since SQLite's own busy handler sleeps up to 100 ms and starves a second writer; connections are
pooled per file, not per thread, since a server holds hundreds of small files.
"""

from __future__ import annotations

import collections
import contextlib
import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


BUSY_SECONDS = 30
"""How long SQLite waits for a lock of another process, before it gives up."""


class Gate:
    """First come, first served; `with gate:` around each write transaction."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queue: collections.deque[threading.Lock] = collections.deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._queue.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._held = False


class Database:
    """One SQLite file.

    Args:
        path: the file; it must exist and have its schema (see :func:`create_from_template`).
        durable: whether commits survive a loss of power (`synchronous=NORMAL`), or the file is a
            test's (`OFF`: consistent after a crash of the process, not of the machine).

    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        self._durable = durable
        self._gate = Gate()
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading; never blocked by writers."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one write transaction: committed at the end, rolled back on error."""
        with self._gate, self.read() as connection, _transaction(connection):
            yield connection

    @contextlib.contextmanager
    def write_on(self, connection: sqlite3.Connection) -> Iterator[None]:
        """One write transaction on a connection that the caller reads by: for temporary tables,
        which belong to their connection.
        """
        with self._gate, _transaction(connection):
            yield

    def truncate_log(self) -> None:
        """Empties the write-ahead log after a large import; leaves it while somebody reads."""
        with self._gate, self.read() as connection:
            connection.execute("PRAGMA busy_timeout=0")
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")

    def close(self) -> None:
        """Closes every connection; further use raises."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError(f"{self.path.name} is closed")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
        )
        connection.execute(f"PRAGMA synchronous={'NORMAL' if self._durable else 'OFF'}")
        connection.execute("PRAGMA cache_size=-8000")
        connection.execute("PRAGMA foreign_keys=OFF")
        return connection


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def create_from_template(template: Path, path: Path) -> None:
    """Makes a new database file; copying one takes 1 ms, running its schema 5.

    It is copied beside its name and moved there whole: who is killed meanwhile leaves no broken
    file, only a draft that the next copy writes over.
    """
    draft = path.with_name(f"{path.name}.draft")
    shutil.copyfile(template, draft)
    draft.replace(path)


def build_file(path: Path, statements: str, version: int) -> None:
    """Runs a schema into a new file in write-ahead mode and stamps its version."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Nothing is lost with the file: it is made again. Waiting for the disk would take 30 ms.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(statements)
        connection.execute(f"PRAGMA user_version={version}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
