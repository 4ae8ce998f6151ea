"""Data projects and executions against a small model of them, step by step at random.

The model knows nothing of the code under test: instants, states, rows and names, as a reader of
the documentation would keep them on paper.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from job_tools import GROUPS, TERMINAL, Client, rows_of

PROJECTS = "/data/DataManagementDefinitionGroups"
DETAILS = "/data/DataManagementDefinitionGroupDetails"
KEEP, CHECKED_EVERY = dt.timedelta(days=7), dt.timedelta(hours=1)
DAY = 86400
STEP = dt.timedelta(seconds=1)

FILES = {
    "two rows": (("10", "One"), ("20", "Two")),
    "another of them": (("20", "Zwei"), ("30", "Drei")),
    "one without key": (("", "None"), ("10", "Eins")),
    "one key twice": (("40", "A"), ("40", "B")),
}
PACKAGES = {
    name: package(Table(GROUPS, CUSTOMER_GROUPS.columns, rows, CUSTOMER_GROUPS.target_entity))
    for name, rows in FILES.items()
}
NAMES = ("Alpha", "beta", "ALPHA", "Gamma")
IDS = ("", "one", "two", "ONE", "three")


@dataclass
class Run:
    """One execution on paper."""

    id: str
    project: str
    operation: str
    file: str
    entered: dt.datetime
    state: str = "NotRun"
    ends: dt.datetime | None = None
    counts: tuple[int, int, int] = (0, 0, 0)  # created, updated, in error
    outcome: str = ""
    exported: dict = field(default_factory=dict)

    @property
    def is_over(self):
        return self.state in TERMINAL

    @property
    def due(self):
        """When it goes on by itself."""
        if self.is_over:
            return None
        return self.entered + STEP if self.state == "NotRun" else self.ends


class Paper:
    """All that the model remembers."""

    def __init__(self, now):
        self.now = now
        self.projects = {}  # folded name: (name, operation)
        self.runs = {}  # folded id, oldest first
        self.rows = {}

    def project(self, name):
        return self.projects.get(name.casefold())

    def used(self, run_id):
        return self.runs.get(run_id.casefold())

    def begin(self, run):
        self.runs.pop(run.id.casefold(), None)
        self.runs[run.id.casefold()] = run

    def work(self, run):
        """What the work of an execution does to rows, and what it counts."""
        if run.operation == "Export":
            run.exported = dict(self.rows)
            run.counts, run.outcome = (len(self.rows), 0, 0), "Succeeded"
            return
        rows = FILES[run.file]
        if len({key for key, _text in rows}) < len(rows):
            run.outcome = "Failed"
            return
        good = {key: text for key, text in rows if key}
        created = sum(key not in self.rows for key in good)
        run.counts = (created, len(good) - created, len(rows) - len(good))
        run.outcome = "PartiallySucceeded" if run.counts[2] else "Succeeded"
        self.rows |= good

    def go_on(self, run, at):
        """The next step of an execution, entered at an instant."""
        if run.state == "NotRun":
            run.state, run.entered, run.ends = "Executing", at, at + STEP
            self.work(run)
        else:
            self.end(run, run.outcome, at)

    def end(self, run, state, at):
        run.state, run.entered = state, at

    def advance(self, by):
        target = self.now + by
        while True:
            dues = [run.due for run in self.runs.values() if run.due is not None]
            if not dues or min(dues) > target:
                break
            self.now = min(dues)
            for run in [one for one in self.runs.values() if one.due == self.now]:
                self.go_on(run, self.now)
        self.now = target

    def forget(self, known):
        """Drops what ended too long ago; in its last hour either may be."""
        for key, run in list(self.runs.items()):
            if not run.is_over:
                continue
            age = self.now - run.entered
            if age > KEEP + CHECKED_EVERY or (age > KEEP and key not in known):
                del self.runs[key]


class Life(RuleBasedStateMachine):
    used_id = "refuse"
    server = None  # the class's, made by the test

    @initialize()
    def begin(self):
        environment = {"version": 1, "settings": {"usedExecutionId": self.used_id}}
        self.view = self.server.create_workspace(environment=environment, clock="virtual")
        self.client = Client(self.view.client_config(), base=self.server.http_url)
        self.paper = Paper(self.view.clock.now)

    def teardown(self):
        if hasattr(self, "view"):
            self.client.session.close()
            self.server.drop_workspace(self.view.id)

    def send(self, method, path, members=None):
        headers = {"Authorization": f"Bearer {self.client.token}"}
        return self.client.session.request(
            method, self.client.base + path, json=members, headers=headers
        )

    # Data projects

    @rule(name=st.sampled_from(NAMES), operation=st.sampled_from(["Import", "Export", "Export"]))
    def make_project(self, name, operation):
        there = self.paper.project(name)
        answer = self.send("POST", PROJECTS, {"Name": name, "OperationType": operation})
        assert answer.status_code == (400 if there else 201)
        if there:
            return
        self.paper.projects[name.casefold()] = (name, operation)
        detail = {
            "DefinitionGroupId": name,
            "EntityName": GROUPS,
            "SourceFormat": "CSV",
            "AutoGenerateMapping": "Yes",
        }
        assert self.send("POST", DETAILS, detail).status_code == 201

    @precondition(lambda self: self.paper.projects)
    @rule(name=st.sampled_from(NAMES))
    def delete_project(self, name):
        answer = self.send("DELETE", f"{PROJECTS}('{name}')")
        there = self.paper.projects.pop(name.casefold(), None)
        assert answer.status_code == (204 if there else 400)

    # Imports and exports

    def may_begin(self, run_id):
        former = self.paper.used(run_id) if run_id else None
        return former is None or (self.used_id == "rerun" and former.is_over)

    def began(self, answer, run_id, **told):
        assert answer.status_code == 200, answer.text
        given = answer.json()["value"]
        assert given == run_id or not run_id
        self.paper.begin(Run(given, entered=self.paper.now, **told))

    @rule(
        name=st.sampled_from(NAMES),
        run_id=st.sampled_from(IDS),
        file=st.sampled_from(sorted(FILES)),
        overwrite=st.booleans(),
    )
    def import_package(self, name, run_id, file, overwrite):
        answer = self.client.answer(
            "ImportFromPackage",
            packageUrl=self.client.upload(PACKAGES[file]),
            definitionGroupId=name,
            executionId=run_id,
            execute=True,
            overwrite=overwrite,
            legalEntityId="USMF",
        )
        if not self.may_begin(run_id) or (self.paper.project(name) and not overwrite):
            assert answer.status_code == 400
            return
        self.paper.projects[name.casefold()] = (name, "Import")
        self.began(answer, run_id, project=name, operation="Import", file=file)

    @precondition(lambda self: self.paper.projects)
    @rule(name=st.sampled_from(NAMES), run_id=st.sampled_from(IDS), again=st.booleans())
    def export(self, name, run_id, again):
        answer = self.client.answer(
            "ExportToPackage",
            definitionGroupId=name,
            packageName="out",
            executionId=run_id,
            reExecute=again,
            legalEntityId="USMF",
        )
        project = self.paper.project(name)
        former = self.paper.used(run_id) if run_id else None
        is_free = former is None or (former.is_over and (again or self.used_id == "rerun"))
        is_busy = any(
            run.state == "Executing" and run.project.casefold() == name.casefold()
            for run in self.paper.runs.values()
        )
        if project is None or project[1] != "Export" or not is_free or is_busy:
            assert answer.status_code == 400
            return
        self.began(answer, run_id, project=name, operation="Export", file="")

    # By hand

    def one_of(self, data):
        assume(self.paper.runs)
        return self.paper.runs[data.draw(st.sampled_from(list(self.paper.runs)))]

    @rule(data=st.data(), action=st.sampled_from(["advance", "finish", "fail", "cancel"]))
    def control(self, data, action):
        run = self.one_of(data)
        if run.is_over:
            with pytest.raises(ControlRefused):
                self.view.parts.dmf.control(run.id, action)
            return
        self.view.parts.dmf.control(run.id, action)
        now = self.paper.now
        match action:
            case "advance":
                self.paper.go_on(run, now)
            case "finish":
                if run.state == "NotRun":
                    self.paper.work(run)
                self.paper.end(run, run.outcome, now)
            case "fail":
                self.paper.end(run, "Failed", now)
            case "cancel":
                self.paper.end(run, "Canceled", now)

    @rule()
    def control_nothing(self):
        with pytest.raises(ExecutionNotFound):
            self.view.parts.dmf.control("never", "finish")

    @rule(data=st.data())
    def delete_history(self, data):
        run = self.one_of(data)
        answer = self.client.answer("DeleteExecutionHistoryJob", executionId=run.id.swapcase())
        assert answer.status_code == (204 if run.is_over else 400)
        if run.is_over:
            del self.paper.runs[run.id.casefold()]

    @rule(by=st.sampled_from(["1s", "2s", "30m", "4d", "8d"]))
    def time_passes(self, by):
        amount = {"1s": 1, "2s": 2, "30m": 1800, "4d": 4 * DAY, "8d": 8 * DAY}[by]
        self.view.clock.advance(by)
        self.paper.advance(dt.timedelta(seconds=amount))
        self.client.renew()

    @rule(data=st.data())
    def download(self, data):
        run = self.one_of(data)
        assume(run.operation == "Export" and run.state == "Succeeded")
        assume(self.paper.now - run.entered < dt.timedelta(days=6))
        content = self.client.exported(run.id)
        if run.exported:
            shown = rows_of(content, *CUSTOMER_GROUPS.columns)
            assert dict(shown) == run.exported

    # What always holds

    @invariant()
    def all_is_as_on_paper(self):
        if not hasattr(self, "view"):
            return
        shown = {one.id.casefold(): one for one in self.view.executions}
        self.paper.forget(shown)
        assert list(shown) == list(self.paper.runs)
        for key, run in self.paper.runs.items():
            self.is_as_on_paper(run, shown[key].document)
        rows = self.view.rows(GROUPS, company="USMF").items()
        assert {key: row["Description"] for key, row in rows} == self.paper.rows
        listed = self.send("GET", PROJECTS).json()["value"]
        named = {one["Name"].casefold(): (one["Name"], one["OperationType"]) for one in listed}
        assert named == self.paper.projects
        held = list((self.view.parts.workspace.folder / "packages").iterdir())
        waiting = [
            run
            for run in self.paper.runs.values()
            if run.operation == "Import" and run.state == "NotRun"
        ]
        assert len(held) == len(waiting)
        assert self.server.failures == ()

    def is_as_on_paper(self, run, document):
        assert (run.id, document["state"]) == (document["executionId"], run.state)
        assert self.client.state(run.id) == run.state
        (entity,) = document["entities"]
        counts = tuple(entity[f"targetRecords{name}"] for name in ("Created", "Updated", "InError"))
        assert counts == run.counts
        assert (document["finishedAt"] is not None) == run.is_over
        failed_rows = [one for one in document["errors"] if one["stage"] == "target"]
        assert len(failed_rows) == run.counts[2]


class LifeWithReruns(Life):
    used_id = "rerun"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("machine", [Life, LifeWithReruns])
def test_lives_go_on_as_on_paper(server, machine):
    machine.server = server
    run_state_machine_as_test(
        machine,
        settings=settings(
            derandomize=True,
            database=None,
            max_examples=6,
            stateful_step_count=30,
            deadline=None,
        ),
    )
