"""Folders that nobody uses any more, removed beside the work that goes on."""

from __future__ import annotations

import queue
import shutil
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Sweeper:
    """Removes folders in a thread of its own, which begins with the first of them.

    A file system may take ten milliseconds for it, and a test that ends waits for its workspace
    to go.
    """

    def __init__(self) -> None:
        self._folders: queue.Queue[Path | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def remove(self, folder: Path) -> None:
        """Has the folder removed soon; nothing may be made under its name again."""
        self._folders.put(folder)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Returns when every folder that was handed over is gone."""
        self._folders.join()

    def close(self) -> None:
        """Ends the thread, once every folder is gone."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._folders.put(None)
            thread.join()

    def _run(self) -> None:
        while (folder := self._folders.get()) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            self._folders.task_done()
        self._folders.task_done()
