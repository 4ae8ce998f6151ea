"""Where data projects and executions live (implemented in `storage`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.dmf.model import DataProject, Execution
    from d365fo_emulator.kernel.workspace import ExecutionId


class DataManagementStore(Protocol):
    """Projects and executions of one workspace. Names and ids are found without letter case."""

    def project(self, name: str) -> DataProject | None:
        """The data project of this name."""
        ...

    def save_project(self, project: DataProject) -> None:
        """Creates the project, or puts it in place of the one of its name."""
        ...

    def accept(self, execution: Execution, project: DataProject | None) -> bool:
        """Adds an execution, and its project where one is given, in one transaction.

        Returns False, with nothing written, when the id is used already.
        """
        ...

    def remove(self, execution: ExecutionId) -> None:
        """Removes an execution."""
        ...

    def execution(self, execution: ExecutionId) -> Execution | None:
        """The execution of this id."""
        ...

    def executions(self) -> Sequence[Execution]:
        """All executions, oldest first."""
        ...

    def live(self) -> Sequence[Execution]:
        """Executions that are not at their end, oldest first."""
        ...

    def save(self, execution: Execution) -> None:
        """Writes an execution back."""
        ...
