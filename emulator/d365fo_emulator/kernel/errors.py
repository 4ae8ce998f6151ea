"""Errors by meaning, without status and without wire text; each surface has its own table."""

from __future__ import annotations


class EmulatorError(Exception):
    """Root of everything that the emulator raises on purpose."""


class ConfigurationError(EmulatorError):
    """A setting, file or argument that cannot be used; the message names the remedy."""


class ClockRefused(EmulatorError):
    """A move of the clock that is not possible."""


class WorkspaceNotFound(EmulatorError):
    """No workspace has this id."""

    def __init__(self, workspace_id: str) -> None:
        super().__init__(f"there is no workspace {workspace_id!r}")
        self.workspace_id = workspace_id


class WorkspaceExists(EmulatorError):
    """A workspace of this id is there already."""

    def __init__(self, workspace_id: str) -> None:
        super().__init__(f"the workspace {workspace_id!r} exists already")
        self.workspace_id = workspace_id


class NotEmulated(EmulatorError):
    """Something that the real service knows and the emulator does not build yet: 501, by name."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not emulated")
        self.what = what
