"""Where data projects and executions live (implemented in `storage`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from d365fo_emulator.dmf.model import DataProject, Execution
    from d365fo_emulator.dmf.tokens import TokenMove
    from d365fo_emulator.kernel.workspace import ExecutionId


class DataManagementStore(Protocol):
    """Projects and executions of one workspace. Names and ids are found without letter case."""

    def project(self, name: str) -> DataProject | None:
        """The data project of this name."""
        ...

    def projects(self) -> Sequence[DataProject]:
        """All data projects, by folded name."""
        ...

    def remove_project(self, name: str) -> bool:
        """Removes a data project and its version tokens; whether there was one."""
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

    def ended_before(self, instant: dt.datetime) -> Sequence[Execution]:
        """Executions whose end was before an instant, oldest first."""
        ...

    def each_execution(self) -> Iterator[Execution]:
        """The same one by one: few are held at a time, and what begins meanwhile comes too."""
        ...

    def live(self) -> Sequence[Execution]:
        """Executions that are not at their end, oldest first."""
        ...

    def version_token(self, project: str, entity: str, company: str) -> int:
        """The change up to which the last finished export of this entity went; 0: none."""
        ...

    def remove_version_tokens(self, project: str, entity: str) -> bool:
        """Removes an entity's tokens in a project, of every company; whether there were any."""
        ...

    def save(self, execution: Execution, moves: Sequence[TokenMove] = ()) -> None:
        """Writes an execution back, and moves these version tokens, in one transaction.

        A token that is no longer where its move begins stays.
        """
        ...
