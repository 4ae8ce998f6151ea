"""The folder that an emulator lives in: kept and locked, or temporary and removed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from filelock import FileLock

    from d365fo_emulator.config.model import Config


class Home:
    """One folder, from `open` to `close`.

    Attributes:
        kept: whether it outlives the emulator; else it is a temporary one.

    """

    def __init__(self, config: Config) -> None:
        self.kept = not config.ephemeral
        self._wanted = config.data_dir
        self._folder: Path | None = None
        self._lock: FileLock | None = None

    @property
    def folder(self) -> Path:
        """Where everything lies, once it is open."""
        if self._folder is None:
            raise RuntimeError("the emulator is not started")
        return self._folder

    def open(self) -> None:
        """Makes the folder, and takes it for this process alone when it is kept.

        Raises:
            ConfigurationError: it cannot be made, or another process has it.

        """
        if not self.kept:
            self._folder = Path(tempfile.mkdtemp(prefix="d365fo-emulator-"))
            return
        folder = _per_user() if self._wanted is None else self._wanted.resolve()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder)
        except OSError as error:
            raise ConfigurationError(
                f"the data directory {folder} cannot be used ({error.strerror}): take another"
                " with --data-dir or none with --ephemeral"
            ) from error
        self._folder = folder

    def close(self) -> None:
        """Gives a kept folder free; removes another."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if self._folder is not None and not self.kept:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None


def _per_user() -> Path:
    import platformdirs  # noqa: PLC0415  only the command's default needs it

    return Path(platformdirs.user_data_dir("d365fo-emulator", appauthor=False))


def _locked(folder: Path) -> FileLock:
    """One process at a time: two would write the same files."""
    import filelock  # noqa: PLC0415  only a kept directory needs it

    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:  # an OSError too, but one with a remedy of its own
        raise ConfigurationError(
            f"the data directory {folder} is in use by another emulator: stop that one, or take"
            " another with --data-dir or none with --ephemeral"
        ) from None
    return lock
