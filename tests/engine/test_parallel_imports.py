"""Calls of ImportFromPackage that overlap for one data project, by the setting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from builders import package
from d365fo_emulator.dmf import checks
from d365fo_emulator.dmf.errors import PARALLEL_IMPORT, TEXTS
from job_tools import GROUPS, Client

SECONDS = 30  # until a test that hangs gives up
LITERALS = [TEXTS[key][0] for key in PARALLEL_IMPORT]


class Check:
    """Stands in the place of the check of packages; holds the first call inside it."""

    def __init__(self):
        self.entered = threading.Event()
        self.released = threading.Event()
        self._first = threading.Lock()
        self._check = checks.check_package

    def __call__(self, *arguments):
        if self._first.acquire(blocking=False):
            self.entered.set()
            assert self.released.wait(SECONDS)
        return self._check(*arguments)


@pytest.fixture
def held(monkeypatch):
    check = Check()
    monkeypatch.setattr(checks, "check_package", check)
    yield check
    check.released.set()


@pytest.fixture
def overlap(server, held):
    """`overlap(view, client, first, later)` gives the answers to both, first the later call's."""

    def run(view, client, first, later):
        url = client.upload(package())

        def call(project):
            with Client(view.client_config(), base=server.http_url, token=client.token) as one:
                members = {"definitionGroupId": project, "overwrite": True, "execute": True}
                return one.answer(
                    "ImportFromPackage", packageUrl=url, legalEntityId="USMF", **members
                )

        with ThreadPoolExecutor(1) as pool:
            before = pool.submit(call, first)
            assert held.entered.wait(SECONDS)
            try:
                after = call(later)
            finally:
                held.released.set()
            return after, before.result()

    return run


def message(answer):
    return answer.json()["error"]["innererror"]["message"]


@pytest.mark.evidence("documented")
def test_the_later_call_fails_with_a_recorded_text_and_leaves_nothing(job, overlap):
    view, client = job
    later, first = overlap(view, client, "One", "ONE")
    assert (later.status_code, first.status_code) == (400, 200)
    start = "Exception occurred while executing action ImportFromPackage on Entity"
    prefix, text = message(later).split(" DataManagementDefinitionGroup: ", 1)
    assert prefix == start
    assert text in LITERALS
    assert "parallelImports" in later.headers["X-Emulator-Reason"]
    assert [one.id for one in view.executions] == [first.json()["value"]]
    assert len(list((view.parts.workspace.folder / "packages").iterdir())) == 1
    assert client.poll(view.executions.only().id)[-1] == "Succeeded"


@pytest.mark.evidence("documented")
def test_once_the_first_has_its_answer_the_same_call_succeeds(job, overlap):
    view, client = job
    overlap(view, client, "One", "One")
    execution = client.import_package(package(), definitionGroupId="One")
    assert client.poll(execution)[-1] == "Succeeded"


@pytest.mark.evidence("inferred")
def test_a_first_call_that_is_refused_makes_way_too(job, held, overlap):
    _view, client = job
    held.released.set()
    for _ in range(2):
        answer = client.answer("ImportFromPackage", packageUrl="nowhere", definitionGroupId="One")
        assert message(answer).endswith("(404) Not Found.")


@pytest.mark.evidence("recorded")
def test_calls_for_different_projects_never_meet(job, overlap):
    view, client = job
    later, first = overlap(view, client, "One", "Two")
    assert (later.status_code, first.status_code) == (200, 200)


@pytest.mark.evidence("inferred")
def test_calls_for_one_project_of_two_workspaces_never_meet(open_job, server, held):
    (_view, client), (_other, elsewhere) = open_job(), open_job()
    urls = [each.upload(package()) for each in (client, elsewhere)]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.import_from, urls[0])
        assert held.entered.wait(SECONDS)
        try:
            assert elsewhere.poll(elsewhere.import_from(urls[1]))[-1] == "Succeeded"
        finally:
            held.released.set()
        assert client.poll(first.result())[-1] == "Succeeded"


@pytest.mark.evidence("inferred")
def test_a_call_without_a_project_meets_calls_for_the_one_that_its_manifest_names(job, overlap):
    view, client = job
    later, first = overlap(view, client, GROUPS, "")
    assert (later.status_code, first.status_code) == (400, 200)
    assert message(later).partition("Group: ")[2] in LITERALS
    assert len(list((view.parts.workspace.folder / "packages").iterdir())) == 1


@pytest.mark.evidence("inferred")
def test_allowed_calls_overlap(open_job, overlap):
    view, client = open_job(settings={"parallelImports": "allow"})
    later, first = overlap(view, client, "One", "One")
    assert (later.status_code, first.status_code) == (200, 200)
    assert len(view.executions) == 2


@pytest.mark.evidence("inferred")
def test_serialised_calls_wait_for_their_turn(server, open_job, held, monkeypatch):
    view, client = open_job(settings={"parallelImports": "serialise"})
    url = client.upload(package())
    waiting = threading.Event()
    changed = view.parts.dmf.import_calls._changed
    wait_for = changed.wait_for

    def told(holds):
        if not holds():
            waiting.set()
        return wait_for(holds)

    monkeypatch.setattr(changed, "wait_for", told)

    def call(execution):
        with Client(view.client_config(), base=server.http_url, token=client.token) as one:
            return one.import_from(url, executionId=execution)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call, "first")
        assert held.entered.wait(SECONDS)
        later = pool.submit(call, "later")
        try:
            assert waiting.wait(SECONDS)
            assert len(view.executions) == 0
        finally:
            held.released.set()
        assert (first.result(), later.result()) == ("first", "later")
    assert [one.id for one in view.executions] == ["first", "later"]


@pytest.mark.evidence("inferred")
def test_one_seed_picks_one_sequence_of_texts(server):
    def texts(seed):
        view = server.create_workspace("seeded", seed=seed)
        with (
            Client(view.client_config(), base=server.http_url) as client,
            view.parts.dmf.import_calls.turn("One", AssertionError),
        ):
            answers = [client.answer("ImportFromPackage", definitionGroupId="One") for _ in "12345"]
        server.drop_workspace(view.id)
        return [message(answer).partition("Group: ")[2] for answer in answers]

    assert texts(1) == texts(1) != texts(2)
    assert {*texts(1), *texts(2), *texts(3)} == set(LITERALS)
