"""Workspaces with real clocks, scenarios and journals, and stand-ins for what is heavier."""

import dataclasses
import datetime as dt
import threading
from pathlib import Path

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from d365fo_emulator.admin.client import HttpAdmin
from d365fo_emulator.admin.http import AdminAccess, admin_surface
from d365fo_emulator.admin.model import ServerInfo, WorkspaceParts
from d365fo_emulator.admin.service import InProcessAdmin
from d365fo_emulator.dmf.errors import ControlRefused, ExecutionNotFound
from d365fo_emulator.entities.model import EntityType, Field, FieldType
from d365fo_emulator.http.exchange import ENVIRON_KEY, Exchange, SurfaceName
from d365fo_emulator.identity.model import Application, Directory, User
from d365fo_emulator.journal.model import Entry
from d365fo_emulator.journal.recorder import Journal
from d365fo_emulator.kernel.clock import Clock, ClockMode
from d365fo_emulator.kernel.errors import WorkspaceExists, WorkspaceNotFound
from d365fo_emulator.kernel.ids import Ids
from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId
from d365fo_emulator.scenarios.service import ScenarioService

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
GROUPS = EntityType(
    label="Customer groups",
    name="CustCustomerGroupEntity",
    collection="CustomerGroups",
    staging="CustCustomerGroupEntityStaging",
    per_company=True,
    keys=("CustomerGroupId",),
    fields=(
        Field("CustomerGroupId", "CUSTOMERGROUPID", FieldType.STRING, "Customer group"),
        Field("Description", "DESCRIPTION", FieldType.STRING, "Description"),
    ),
)


class FakeDmf:
    """Executions as plain documents."""

    def __init__(self):
        self.documents = {"a//b c": {"executionId": "a//b c", "state": "Executing"}}

    def executions(self):
        return list(self.documents.values())

    def execution(self, execution_id):
        return self.documents.get(execution_id)

    def document(self, execution):
        return execution

    def control(self, execution_id, action):
        if execution_id not in self.documents:
            raise ExecutionNotFound(execution_id)
        if self.documents[execution_id]["state"] != "Executing":
            raise ControlRefused(f"the execution {execution_id!r} has ended")
        state = {"fail": "Failed", "cancel": "Canceled"}.get(action, "Succeeded")
        self.documents[execution_id] = {"executionId": execution_id, "state": state}
        return self.documents[execution_id]

    def rows(self, entity, company, stage):
        assert stage == "target"
        return FakeRows().rows(entity, entity.fields, company)


class FakeRows:
    """Two rows in USMF."""

    def prepare(self, entity):
        pass

    def rows(self, entity, fields, company=None):
        yield from [("10", "Major"), ("20", "Minor")] if company in (None, "USMF") else []

    def count(self, entity, company=None):
        return 2 if company in (None, "USMF") else 0


class FakeCatalogue:
    """One entity."""

    def find(self, name):
        return GROUPS if name.casefold() in ("customer groups", "customergroups") else None

    def nearest(self, name):
        return ["Customer groups"]


class FakeWorkspaces:
    """Workspaces in a dictionary."""

    def __init__(self):
        self.by_id = {}
        self.resets = []
        self.create("default")

    def list(self):
        return list(self.by_id.values())

    def get(self, workspace_id):
        if workspace_id not in self.by_id:
            raise WorkspaceNotFound(workspace_id)
        return self.by_id[workspace_id]

    def create(self, workspace_id=None, **options):
        workspace_id = workspace_id or f"w{len(self.by_id)}"
        if workspace_id in self.by_id:
            raise WorkspaceExists(workspace_id)
        self.by_id[workspace_id] = parts_of(workspace_id)
        return self.by_id[workspace_id]

    def drop(self, workspace_id):
        self.get(workspace_id)
        del self.by_id[workspace_id]

    def reset(self, workspace_id, keep=()):
        self.get(workspace_id)
        self.resets.append((workspace_id, tuple(keep)))


def parts_of(workspace_id):
    workspace = Workspace(
        id=WorkspaceId(workspace_id),
        seed=0,
        clock=Clock(ClockMode.VIRTUAL, START),
        ids=Ids(0, workspace_id),
        folder=Path(),
        storage_account="devstoreaccount1",
        storage_key="",
    )
    directory = Directory(
        f"tenant-of-{workspace_id}",
        "contoso.onmicrosoft.example",
        (Application("unmapped", "s"), Application("mapped", "s", "admin")),
        (User("admin", "admin@contoso.onmicrosoft.example"),),
    )
    journal = Journal(workspace.id)
    for action in ("GetAzureWriteUrl", "ImportFromPackage"):
        journal.record(
            Entry(
                action, START, "odata", "POST", f"/data/{action}", "", 200, facts={"action": action}
            )
        )
    return WorkspaceParts(
        workspace=workspace,
        directory=directory,
        identity=None,
        blob=None,
        catalogue=FakeCatalogue(),
        rows=FakeRows(),
        dmf=FakeDmf(),
        scenarios=ScenarioService(workspace.id),
        journal=journal,
    )


@pytest.fixture
def workspaces():
    return FakeWorkspaces()


@pytest.fixture
def server():
    info = ServerInfo(
        version="0.1.0",
        started_at=START,
        http_url="http://localhost:8365",
        https_url="https://localhost:8443",
        blob_url="https://localhost:8443/devstoreaccount1",
        ca_bundle="/ca/bundle.pem",
        ca_pem="-----BEGIN CERTIFICATE-----\n",
        data_dir="/data",
    )
    return _Holder(info)


class _Holder:
    """The server's description, which a test may change."""

    def __init__(self, info):
        self.info = info

    def __call__(self):
        return self.info

    def change(self, **members):
        self.info = dataclasses.replace(self.info, **members)


@pytest.fixture
def admin(workspaces, server):
    return InProcessAdmin(workspaces, server)


@pytest.fixture
def access():
    return AdminAccess(token="letmein", names=("emulator.test", "https://public.test:444/x", ""))


@pytest.fixture
def application(admin, workspaces, access):
    """The surface's application behind a stand-in for the gateway."""
    surface = admin_surface(admin, workspaces, access)

    def gateway(environ, start_response):
        found = surface.find_workspace(environ)
        exchange = Exchange(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            surface=SurfaceName.ADMIN,
            workspace=found or workspaces.get("default").workspace,
            request_id="r1",
            received_at=START,
            base_url=f"http://{environ.get('HTTP_HOST', 'localhost')}",
            secure=False,
            remote_address=environ.get("REMOTE_ADDR", "127.0.0.1"),
        )
        environ[ENVIRON_KEY] = exchange
        return surface.app(environ, start_response)

    return gateway


class _Silent(WSGIRequestHandler):
    def log(self, *_):
        pass


@pytest.fixture
def http_admin(application):
    """The client of the protocol, over a real socket."""
    listener = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=listener.serve_forever, name="admin under test")
    thread.start()
    client = HttpAdmin(f"http://127.0.0.1:{listener.server_port}")
    yield client
    client.close()
    listener.shutdown()
    thread.join()
    listener.server_close()
