"""A gateway with small surfaces, and a client that calls it as a listener would."""

from __future__ import annotations

import datetime as dt
import io
import json
import pathlib

from flask import Response, abort, request

from d365fo_emulator.http.dialect import build_app
from d365fo_emulator.http.exchange import SurfaceName, exchange_of
from d365fo_emulator.http.gateway import Gateway, GatewayOptions, Hooks
from d365fo_emulator.http.surface import Surface
from d365fo_emulator.kernel.clock import Clock, ClockMode
from d365fo_emulator.kernel.errors import NotEmulated, WorkspaceNotFound
from d365fo_emulator.kernel.faults import Decision
from d365fo_emulator.kernel.ids import Ids
from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId

START = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def make_workspace(name):
    return Workspace(
        id=WorkspaceId(name),
        seed=1,
        clock=Clock(ClockMode.VIRTUAL, START),
        ids=Ids(1, name),
        folder=pathlib.Path("unused"),
        storage_account="devstoreaccount1",
        storage_key="",
    )


class Surfaces:
    """Every surface answers with its name and what it saw, in bodies of its own shape."""

    def __init__(self) -> None:
        self.workspaces = {name: make_workspace(name) for name in ("default", "other")}
        self.refuse_caller = None

    def find_workspace(self, environ):
        name = environ.get("HTTP_X_WORKSPACE")
        if name is None:
            return None
        if name not in self.workspaces:
            raise WorkspaceNotFound(name)
        return self.workspaces[name]

    def authenticate(self, exchange, environ):
        if self.refuse_caller:
            exchange.reason = self.refuse_caller
            return Response("{}", 401)
        return None

    def build(self, name):
        def body(status, text):
            return Response(json.dumps({"surface": name.value, "status": status}), status)

        app = build_app(__name__, body)
        app.add_url_rule("/<path:path>", view_func=self._view(name), methods=["GET", "POST"])
        app.add_url_rule("/data/only-get", view_func=lambda: "x", methods=["GET"])
        return Surface(
            name=name,
            app=app,
            find_workspace=self.find_workspace,
            error=lambda exchange, status, text: body(status, text),
            describe=lambda environ: {"described": environ["PATH_INFO"]},
            authenticate=self.authenticate,
            journals_bodies=name is not SurfaceName.BLOB,
        )

    def _view(self, name):
        def view(path):
            exchange = exchange_of(request.environ)
            last = path.rpartition("/")[2]
            behaviour = getattr(self, f"do_{last}", None)
            if behaviour is not None:
                return behaviour(exchange)
            data = request.get_data()
            return {
                "surface": name.value,
                "path": request.path,
                "prefix": request.script_root,
                "base_url": exchange.base_url,
                "workspace": exchange.workspace.id,
                "body": data.decode(),
            }

        return view

    def do_bug(self, exchange):
        raise ZeroDivisionError("a bug")

    def do_unbuilt(self, exchange):
        raise NotEmulated("the thing")

    def do_refused(self, exchange):
        exchange.reason = "line one\r\nline \u20ac two"
        return Response("no", 409)

    def do_accepted(self, exchange):
        exchange.reason = "not shown with a success"
        return "yes"

    def do_absent(self, exchange):
        abort(404)

    def do_streamed(self, exchange):
        return Response(iter([b"one", b"", b"two"]))

    def do_streambug(self, exchange):
        def pieces():
            yield b"one"
            raise ZeroDivisionError("late")

        return Response(pieces())

    def do_unread(self, exchange):
        return "unread"


class Caller:
    """Calls a gateway and records what its hooks were told."""

    def __init__(self, surfaces=None, decision=None, **options) -> None:
        self.surfaces = surfaces or Surfaces()
        self.events = []
        self.done = []
        self.exceptions = []
        self.excuse = ""
        self.gateway = Gateway(
            [self.surfaces.build(name) for name in SurfaceName],
            lambda: self.surfaces.workspaces["default"],
            Hooks(
                decide=lambda exchange: self.events.append("decide") or decision or Decision(),
                on_start=lambda exchange: self.events.append("start"),
                on_done=self._on_done,
                excuse=lambda exchange: self.excuse,
                on_exception=lambda exchange, error: self.exceptions.append(error),
            ),
            GatewayOptions(**options),
        )

    def _on_done(self, exchange, status, headers, asked, answered):
        self.events.append("done")
        self.done.append((exchange, status, dict(headers), asked, answered))

    def environ(self, path, method="GET", body=b"", **more):
        path, _, query = path.partition("?")
        return {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "RAW_URI": path,
            "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8365",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost:8365",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
        } | more

    def start(self, path, **more):
        """Status, headers and the body still to be taken."""
        said = []
        body = self.gateway(self.environ(path, **more), lambda *told: said.append(told) and None)
        (status, headers) = said[0]
        return int(status[:3]), dict(headers), body

    def ask(self, path, **more):
        status, headers, body = self.start(path, **more)
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        return status, headers, content
