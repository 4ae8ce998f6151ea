"""Workspaces of one server never meet, and leave nothing behind."""

import datetime as dt
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import job_tools
from builders import CUSTOMER_GROUPS, Table, package
from d365fo_emulator import Canceled, Emulator, Failed, PartiallySucceeded
from d365fo_emulator.config.loader import load_config
from d365fo_emulator.kernel.errors import ConfigurationError, WorkspaceExists, WorkspaceNotFound
from job_tools import Client, Refused

pytestmark = pytest.mark.evidence("documented")

EXECUTION = "11111111-2222-4333-8444-555555555555"


def groups(text):
    """A package of one row that tells whose it is."""
    return package(
        Table(
            "Customer groups", CUSTOMER_GROUPS.columns, (("10", text),), "CustCustomerGroupEntity"
        )
    )


def client_of(view):
    config = view.client_config()
    return Client(config | {"resource": view.http_url}, view.http_url)


@pytest.fixture(scope="module")
def server():
    with Emulator(job_tools.ENVIRONMENT) as server:
        yield server
        assert server.failures == ()


@pytest.fixture
def two(server):
    """Two workspaces: views and clients."""
    views = [server.create_workspace(clock=clock) for clock in ("auto", "virtual")]
    clients = [client_of(view) for view in views]
    yield list(zip(views, clients, strict=True))
    for view, client in zip(views, clients, strict=True):
        client.session.close()
        server.drop_workspace(view.id)


def test_equal_names_in_two_workspaces_are_two_things(two):
    (one, ask_one), (other, ask_other) = two
    other.on(action="Import*").timeline(Failed())
    for client, text in ((ask_one, "one"), (ask_other, "other")):
        client.import_package(groups(text), executionId=EXECUTION, definitionGroupId="Same")
    assert ask_one.poll(EXECUTION)[-1] == "Succeeded"
    other.clock.advance("1h")
    assert ask_other.state(EXECUTION) == "Failed"
    assert one.executions[EXECUTION].polls == 3
    assert other.executions[EXECUTION].polls == 1
    assert one.rows(job_tools.GROUPS, company="USMF")["10"]["Description"] == "one"
    assert other.clock.now - one.clock.now > dt.timedelta(minutes=59)
    assert ask_one.get(ask_one.write_url()) == groups("one")
    assert ask_other.get(ask_other.write_url()) == groups("other")
    one.verify(action="GetExecutionSummaryStatus", count=3)
    other.verify(action="GetExecutionSummaryStatus", count=1)


def test_a_token_or_url_works_in_its_own_workspace_wherever_it_is_used(two):
    (_, ask_one), (other, ask_other) = two
    url = ask_one.upload(groups("one"))
    execution = ask_one.import_from(url)
    with pytest.raises(Refused, match="Forbidden"):  # signed by another's key
        ask_other.import_from(url)
    with Client(ask_other.config, other.http_url, ask_one.token) as borrowed:
        assert borrowed.poll(execution)[-1] == "Succeeded"
    assert ask_other.state(execution) == "NotFound"
    assert ask_other.get(url) == groups("one")


@pytest.mark.parametrize("signed", ["one", "other"])
def test_the_signature_decides_between_equal_names(two, signed):
    (_, ask_one), (_, ask_other) = two
    urls = {"one": ask_one.upload(groups("one")), "other": ask_other.upload(groups("other"))}
    assert ask_one.get(urls[signed]) == groups(signed)


def test_clients_of_one_workspace_are_unknown_in_another(two):
    (_, ask_one), (_, ask_other) = two
    with pytest.raises(Refused, match="AADSTS700016"):
        ask_one.new_token(client_id=ask_other.config["client_id"])


def test_sixty_workspaces_at_once_each_see_their_own(server):
    ends = {"Canceled": Canceled(), "Failed": Failed(), "PartiallySucceeded": PartiallySucceeded()}

    def one_job(number):
        wanted = sorted(ends)[number % 3]
        view = server.create_workspace(f"parallel {number}", seed=number)
        view.on(action="Import*").timeline(ends[wanted])
        with client_of(view) as client:
            execution = client.import_package(groups(str(number)))
            seen = client.poll(execution)[-1]
        texts = [row["Description"] for row in view.rows(job_tools.GROUPS).values()]
        counts = len(view.executions), len(view.verify(action="ImportFromPackage"))
        server.drop_workspace(view.id)
        return seen == wanted, set(texts) <= {str(number)}, counts

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(one_job, range(60)))
    assert results == [(True, True, (1, 1))] * 60


def open_things():
    """File descriptors by target, threads, and temporary folders of ours."""
    links = Path("/proc/self/fd")
    targets = []
    for link in links.iterdir() if links.exists() else ():
        try:
            targets.append(str(link.readlink()))
        except OSError:
            continue  # the one that lists them
    kinds = sorted(target.partition(":[")[0] for target in targets)
    folders = sorted(Path(tempfile.gettempdir()).glob("d365fo-emulator-*"))
    threads = {thread.name for thread in threading.enumerate()}
    return kinds, threads - {"signing key"}, folders  # that one ends by itself, after its key


def test_a_dropped_workspace_leaves_nothing(server):
    def one():
        view = server.create_workspace()
        folder = view.parts.workspace.folder
        with client_of(view) as client:
            client.poll(client.import_package(groups("x")))
        server.drop_workspace(view.id)
        server.workspaces.wait_until_swept()
        assert not folder.exists()
        with pytest.raises(WorkspaceNotFound):
            _ = view.parts

    one()
    folder = server.parts.workspace.folder.parent
    before = len(list(folder.iterdir())), server.workspaces.workspaces()
    databases = [kind for kind in open_things()[0] if kind.endswith(".db")]
    for _ in range(3):
        one()
    assert (len(list(folder.iterdir())), server.workspaces.workspaces()) == before
    assert [kind for kind in open_things()[0] if kind.endswith(".db")] == databases


def test_twenty_emulators_leave_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Emulator():
        pass
    before = open_things()
    for _ in range(20):
        with Emulator(clock="real") as emulator, client_of(emulator) as client:
            assert client.write_url()
    assert open_things() == before
    assert list(tmp_path.iterdir()) == []


def test_an_emulator_that_is_never_started_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Emulator().stop()
    with Emulator() as first:
        port = int(first.http_url.rpartition(":")[2])
        ports = {"https_port": 0, "http_port": port, "ephemeral": True}
        second = Emulator(config=load_config(ports))
        with pytest.raises(ConfigurationError, match="port"):
            second.start()
    assert list(tmp_path.iterdir()) == []


def test_an_emulator_can_be_started_again():
    emulator = Emulator()
    for _ in range(2):
        with emulator, client_of(emulator) as client:
            assert client.poll(client.import_package(groups("x")))[-1] == "Succeeded"


def test_two_emulators_of_one_process_never_meet():
    with Emulator() as one, Emulator() as other, client_of(one) as client:
        execution = client.import_package(groups("one"))
        assert len(other.executions) == 0
        with client_of(other) as ask_other:
            assert ask_other.state(execution) == "NotFound"
        with Client(client.config, other.http_url, client.token) as stranger:
            assert stranger.answer("GetAzureWriteUrl", uniqueFileName="a").status_code == 401


def test_requests_that_run_while_their_workspace_is_dropped_get_a_sane_answer(server):
    """Those inside get their answers; later ones are of nobody; none is a failure of ours."""
    view = server.create_workspace("short-lived")
    clients = [client_of(view) for _ in range(4)]
    url = clients[0].upload(groups("x"))
    tokens = [client.token for client in clients]
    assert len(tokens) == 4
    dropped = threading.Event()

    def ask(client):
        statuses = []
        while True:
            last = dropped.is_set()
            statuses.append(client.answer("GetAzureWriteUrl", uniqueFileName="a").status_code)
            statuses.append(client.session.get(url).status_code)
            if last:
                return statuses

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, client) for client in clients]
        server.drop_workspace("short-lived")
        dropped.set()
        answers = [one.result() for one in asked]
    for client in clients:
        client.session.close()
    assert {status for statuses in answers for status in statuses} <= {200, 401, 403, 503}
    assert all(statuses[-2:] == [401, 403] for statuses in answers)


def test_a_number_of_clients_other_than_usual_gets_ids_of_its_own(server):
    tenant = {"id": "aaaaaaaa-0000-4000-8000-000000000001", "domain": "a.example"}
    for count in (1, 5):
        ids = [f"bbbbbbbb-0000-4000-8000-00000000000{number}" for number in range(count)]
        clients = [{"id": one, "secret": "s", "user": "admin"} for one in ids]
        environment = {"version": 1, "tenant": tenant, "clients": clients}
        view = server.create_workspace(environment=environment)
        assert len(view.parts.directory.applications) == count
        with client_of(view) as client:
            assert client.write_url()
        server.drop_workspace(view.id)


# Options and reset


def test_what_cannot_be_created_is_refused_by_name(server):
    with pytest.raises(ConfigurationError, match="no option 'clok'"):
        server.create_workspace(clok="auto")
    with pytest.raises(ConfigurationError, match="no clock 'vitual'"):
        server.create_workspace(clock="vitual")
    with pytest.raises(WorkspaceExists):
        server.create_workspace("default")
    with pytest.raises(ConfigurationError, match="reset it instead"):
        server.drop_workspace("default")
    with pytest.raises(WorkspaceNotFound):
        server.drop_workspace("nowhere")


@pytest.mark.parametrize("keep", [(), ("data",), ("scenario",), ("journal",), ("clock",)])
def test_a_reset_keeps_what_it_is_told(server, keep):
    view = server.create_workspace(clock="virtual")
    began = view.clock.now
    view.load("happy-path")
    with client_of(view) as client:
        execution = client.import_package(groups("x"))
        view.clock.advance("2h")
        view.executions[execution].finish()
        server.workspaces.reset(view.id, keep)
        kept = {
            "data": len(view.rows(job_tools.GROUPS)) == len(view.executions) == 1,
            "scenario": view.parts.scenarios.current.name == "happy-path",
            "journal": len(view.journal) > 0,
            "clock": view.clock.now - began >= dt.timedelta(hours=2),
        }
        assert {name for name, is_kept in kept.items() if is_kept} == set(keep)
        client._token = None
        assert client.write_url()
    server.drop_workspace(view.id)


def test_rows_are_read_in_one_pass(server):
    view = server.create_workspace()
    with client_of(view) as client:
        client.poll(client.import_package(package()))
    rows = view.rows(job_tools.GROUPS, company="usmf")
    passes = []
    read = rows.items_in_order
    rows.items_in_order = lambda: passes.append(1) or read()
    assert dict(rows.items()) == dict(zip(rows, rows.values(), strict=True))
    assert len(passes) == 3
    assert "20" in rows
    assert "99" not in rows
    server.drop_workspace(view.id)
