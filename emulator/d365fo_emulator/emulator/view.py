"""One workspace as Python code sees it: what `Emulator` and the `d365fo` fixture offer."""

from __future__ import annotations

import itertools
from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING, Any, overload

from d365fo_emulator.admin.connection import client_config
from d365fo_emulator.dmf.service import STAGES
from d365fo_emulator.emulator.sources import read_scenario
from d365fo_emulator.journal.verify import verify
from d365fo_emulator.kernel.durations import parse_duration
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.scenarios.builder import RuleBuilder

if TYPE_CHECKING:
    import datetime as dt
    from typing import Self

    from d365fo_emulator.admin.model import WorkspaceParts
    from d365fo_emulator.dmf.model import Execution
    from d365fo_emulator.emulator.server import Emulator
    from d365fo_emulator.emulator.sources import ScenarioSource
    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.journal.model import Entry
    from d365fo_emulator.kernel.clock import Clock, ClockMode, Ran

Row = dict[str, "Value"]


class WorkspaceView:
    """Everything that a test asks of one workspace."""

    _server: Emulator
    _workspace_id: str

    @classmethod
    def of(cls, server: Emulator, parts: WorkspaceParts) -> WorkspaceView:
        """The view of this workspace of this server."""
        view = WorkspaceView()
        view._bind(parts, server)
        return view

    def _bind(self, parts: WorkspaceParts, server: Emulator) -> None:
        self._workspace_id = parts.workspace.id
        self._server = server

    @property
    def parts(self) -> WorkspaceParts:
        """The workspace's services, as they are now."""
        return self._server.workspaces.get(self._workspace_id)

    @property
    def id(self) -> str:
        """The workspace's id."""
        return self._workspace_id

    # Addresses

    @property
    def https_url(self) -> str:
        """`https://localhost:<port>`; "" when https is off."""
        return self._server.url_of("https")

    @property
    def http_url(self) -> str:
        """`http://localhost:<port>`; "" when http is off."""
        return self._server.url_of("http")

    @property
    def ca_bundle(self) -> str:
        """Path of a PEM file: the public authorities and ours; "" without one of ours."""
        return self._server.bundle_path

    def client_config(self) -> dict[str, str]:
        """What client code needs: base_url, token_url, tenant_id, client_id and so on."""
        url = self.https_url or self.http_url
        return client_config(self.parts.directory, url, self.ca_bundle)

    # Behaviour

    def load(self, scenario: ScenarioSource) -> Self:
        """Puts a scenario into force: a path, a shipped name, a mapping, or a value.

        Executions that were accepted before keep the script they were bound to.
        """
        found = read_scenario(scenario)
        self.parts.scenarios.load(found)
        if found.clock is not None:
            self.parts.workspace.clock.use(found.clock)
        return self

    def on(self, **match: Any) -> RuleBuilder:
        """A rule in front of all others; matchers are those of scenario files, in snake case."""
        return RuleBuilder(match, self.parts.scenarios.add_rule)

    # What happened

    @property
    def executions(self) -> Executions:
        """All executions, oldest first."""
        return Executions(self)

    def rows(self, entity: str, company: str | None = None, stage: str = "target") -> Rows:
        """Rows of an entity (label, collection or AOT name) by natural key, in key order.

        `stage="staging"`: what the latest import that staged any has left there, in the order of
        its file.

        Raises:
            KeyError: no such entity or company.
            ValueError: another stage than `target` or `staging`.

        """
        if stage not in STAGES:
            raise ValueError(f"there is no stage {stage!r}; there are {', '.join(STAGES)}")
        return Rows(self, entity, company, stage)

    @property
    def journal(self) -> Sequence[Entry]:
        """Requests and answers, oldest first, with secrets redacted."""
        return tuple(self.parts.journal.entries())

    def verify(
        self,
        count: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **match: Any,
    ) -> list[Entry]:
        """The matching requests, when they are as many as expected (at least one by default).

        Raises:
            VerificationFailed: they are not; the message says what was seen instead.

        """
        return verify(self.parts.journal.entries(), match, count, at_least, at_most)

    @property
    def clock(self) -> ClockView:
        """The workspace's time."""
        return ClockView(self.parts.workspace.clock)


class ClockView:
    """A workspace's time as tests move it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def now(self) -> dt.datetime:
        """The present time, in UTC."""
        return self._clock.now

    @property
    def mode(self) -> ClockMode:
        """`real`, `auto` or `virtual`."""
        return self._clock.mode

    def advance(self, by: str | dt.timedelta) -> list[Ran]:
        """Moves time on (`"61m"`), and returns what that has run."""
        return self._clock.advance(parse_duration(by))

    def freeze(self) -> None:
        """Stops time."""
        self._clock.freeze()

    def resume(self) -> None:
        """Lets time pass with the machine's."""
        self._clock.resume()


class ExecutionView:
    """One execution, as it stands at each look; looking costs no poll."""

    def __init__(self, view: WorkspaceView, execution_id: str) -> None:
        self._view = view
        self.id = execution_id

    @property
    def _execution(self) -> Execution:
        found: Execution | None = self._view.parts.dmf.execution(self.id)
        if found is None:
            raise LookupError(f"the execution {self.id} is gone")
        return found

    @property
    def document(self) -> dict[str, Any]:
        """The execution document."""
        return self._view.parts.dmf.document(self._execution)

    @property
    def state(self) -> str:
        """The state that the next poll would see."""
        return self._execution.shown_state

    @property
    def group(self) -> str:
        """The data project."""
        return self._execution.group

    @property
    def company(self) -> str:
        """The legal entity."""
        return self._execution.company

    @property
    def operation(self) -> str:
        """`Import` or `Export`."""
        return str(self._execution.operation)

    @property
    def polls(self) -> int:
        """How many status calls clients have made."""
        return self._execution.polls

    @property
    def entities(self) -> list[dict[str, Any]]:
        """Per entity: states of its stages and the counters."""
        return list(self.document["entities"])

    @property
    def errors(self) -> list[dict[str, str]]:
        """Failed rows: entity, stage, recordId, field, message."""
        return list(self.document["errors"])

    def advance(self) -> Self:
        """Enters the next step of the timeline."""
        return self._control("advance")

    def finish(self) -> Self:
        """Enters the last step of the timeline."""
        return self._control("finish")

    def fail(self) -> Self:
        """Ends it as Failed, at once."""
        return self._control("fail")

    def cancel(self) -> Self:
        """Ends it as Canceled, at once; what was written stays."""
        return self._control("cancel")

    def rerun(self) -> Self:
        """Runs the target step again: staged rows that no target step has written are taken.

        The import must have ended; it is Executing again, and its state is computed anew.
        """
        return self._control("rerun")

    def _control(self, action: str) -> Self:
        self._view.parts.dmf.control(self.id, action)
        return self

    def __repr__(self) -> str:
        return f"<execution {self.id} of {self.group}: {self.state}>"


class Executions(Sequence[ExecutionView]):
    """All executions of a workspace, oldest first; also by id."""

    def __init__(self, view: WorkspaceView) -> None:
        self._view = view
        self._ids = [one.id for one in view.parts.dmf.executions()]

    def only(self) -> ExecutionView:
        """The one execution that there is.

        Raises:
            LookupError: there is none, or more than one.

        """
        if len(self._ids) != 1:
            raise LookupError(f"there are {len(self._ids)} executions, not one: {self._ids}")
        return self[0]

    def last(self) -> ExecutionView:
        """The latest.

        Raises:
            LookupError: there is none.

        """
        if not self._ids:
            raise LookupError("there is no execution")
        return self[-1]

    @overload
    def __getitem__(self, wanted: int | str) -> ExecutionView: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[ExecutionView]: ...
    def __getitem__(self, wanted: int | str | slice) -> ExecutionView | list[ExecutionView]:
        if isinstance(wanted, slice):
            return [ExecutionView(self._view, one) for one in self._ids[wanted]]
        if isinstance(wanted, int):
            return ExecutionView(self._view, self._ids[wanted])
        found = self._view.parts.dmf.execution(ExecutionId(wanted))
        if found is None:
            raise KeyError(wanted)
        return ExecutionView(self._view, found.id)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return repr(list(self))


class Rows(Mapping[Any, Row]):
    """Rows of an entity by natural key (text; a tuple when several fields make it).

    Read as they are asked for: a look at one row of a large table reads up to that row, so take
    `items()` for all of them.
    """

    def __init__(
        self, view: WorkspaceView, entity: str, company: str | None, stage: str = "target"
    ) -> None:
        parts = view.parts
        found = parts.catalogue.find(entity)
        if found is None:
            near = ", ".join(parts.catalogue.nearest(entity))
            raise KeyError(f"no entity is called {entity!r}; the nearest are {near}")
        if company is not None:
            known = parts.dmf.at.companies.get(company.casefold())
            if known is None:
                raise KeyError(f"there is no company {company!r}")
            company = known
        self.entity: EntityType = found
        self._dmf = parts.dmf
        self._company = company if found.per_company else None
        self._stage = stage

    def items_in_order(self) -> Iterator[tuple[Any, Row]]:
        """Keys and rows, in key order."""
        fields: Sequence[Field] = self.entity.fields
        for values in self._dmf.rows(self.entity, self._company, self._stage):
            row = {field.name: value for field, value in zip(fields, values, strict=True)}
            yield self._key(row), row

    def _key(self, row: Row) -> Any:
        key = tuple("" if row[name] is None else str(row[name]) for name in self.entity.keys)
        return key[0] if len(key) == 1 else key

    def items(self) -> ItemsView[Any, Row]:
        """Keys and rows; one pass over the table."""
        return _Items(self)

    def values(self) -> ValuesView[Row]:
        """Rows; one pass over the table."""
        return _Values(self)

    def __getitem__(self, key: Any) -> Row:
        for found, row in self.items_in_order():
            if found == key:
                return row
        raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _row in self.items_in_order())

    def __len__(self) -> int:
        if self._stage == "target":
            return self._dmf.at.rows.count(self.entity, self._company)
        return sum(1 for _ in self.items_in_order())

    def __repr__(self) -> str:
        first = dict(itertools.islice(self.items_in_order(), 3))
        return f"<{len(self)} rows of {self.entity.label}, the first of them {first}>"


class _Items(ItemsView[Any, Row]):
    _mapping: Rows

    def __iter__(self) -> Iterator[tuple[Any, Row]]:
        return self._mapping.items_in_order()


class _Values(ValuesView[Row]):
    _mapping: Rows

    def __iter__(self) -> Iterator[Row]:
        return (row for _key, row in self._mapping.items_in_order())
