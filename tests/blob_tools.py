"""What the tests of the blob service stand on: workspaces with a service, and their wire."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from d365fo_emulator.blob.http import build_surface
from d365fo_emulator.blob.local import LocalContentStore
from d365fo_emulator.blob.service import BlobService
from d365fo_emulator.http.exchange import ENVIRON_KEY, Exchange, SurfaceName
from d365fo_emulator.kernel.clock import Clock, ClockMode
from d365fo_emulator.kernel.ids import Ids
from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId
from d365fo_emulator.storage.blobs import SqliteBlobStore
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.schema import CONTROL, CONTROL_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from d365fo_emulator.blob.signatures import SignatureIndex

NOW = dt.datetime(2026, 1, 1, 12, 0, tzinfo=dt.UTC)
BASE = "http://127.0.0.1:10000"
ACCOUNT = "devstoreaccount1"
PUT = {"x-ms-blob-type": "BlockBlob"}


@dataclass
class Place:
    """One workspace with its blob service, on a database and a folder of its own."""

    workspace: Workspace
    service: BlobService
    database: Database
    folder: Path

    def url(self, name="orders.zip", permissions="rw", minutes=30):
        """A SAS URL as the package API hands it out."""
        now = self.workspace.clock.now
        start, end = now - dt.timedelta(minutes=5), now + dt.timedelta(minutes=minutes)
        return self.service.issue_url(BASE, "dmf", name, permissions, start, end)

    def files(self):
        """Names of every file that holds bytes."""
        return sorted(path.name for path in self.folder.iterdir())

    def read(self, name="orders.zip"):
        _, file = self.service.open("dmf", name)
        with file:
            return file.read()


class Answer(Response):
    """A response as it came, without a content type that nobody sent."""

    default_mimetype = None

    @property
    def text(self):
        return self.get_data(as_text=True)


@dataclass
class Wire:
    """The surface as a client sees it; `last` is the exchange of the last request."""

    places: dict[str, Place]
    index: SignatureIndex
    last: Exchange | None = field(default=None)

    def __post_init__(self):
        self.surface = build_surface(
            lambda workspace: self.places[workspace.id].service, self.index.find
        )

    def send(self, method: str, url: str, **options: Any) -> Answer:
        parts = urlsplit(url)
        secure = options.pop("secure", parts.scheme == "https")
        overrides = options.pop("environ_overrides", {})
        builder = EnvironBuilder(
            path="/", method=method, base_url=f"{parts.scheme}://{parts.netloc}", **options
        )
        environ = builder.get_environ()
        builder.close()
        environ["RAW_URI"] = parts.path + ("?" + parts.query if parts.query else "")
        environ["QUERY_STRING"] = parts.query
        if method == "PUT" and not environ.get("CONTENT_LENGTH"):
            environ["CONTENT_LENGTH"] = "0"  # as every client sends
        environ |= overrides
        workspace = self.surface.find_workspace(environ) or self.places["default"].workspace
        environ[ENVIRON_KEY] = self.last = Exchange(
            method=method,
            path=parts.path,
            query=parts.query,
            surface=SurfaceName.BLOB,
            workspace=workspace,
            request_id="fc3ea0bb-801a-00da-4cc9-21dfba000000",
            received_at=workspace.clock.now,
            base_url=BASE,
            secure=secure,
            remote_address="127.0.0.1",
        )
        return Answer.from_app(self.surface.app, environ, buffered=True)

    def put(self, url: str, data: bytes = b"", **headers: str) -> Answer:
        sent = PUT | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("PUT", url, data=data, headers=sent)

    def stage(self, url: str, block_id: bytes, data: bytes, **headers: str) -> Answer:
        return self.send(
            "PUT", f"{url}&comp=block&blockid={b64(block_id)}", data=data, headers=headers
        )

    def commit(self, url: str, *entries: tuple[str, bytes], **headers: str) -> Answer:
        body = "".join(
            f"<{kind}>{b64(block_id, quoted=False)}</{kind}>" for kind, block_id in entries
        )
        return self.send(
            "PUT",
            f"{url}&comp=blocklist",
            data=f"<BlockList>{body}</BlockList>".encode(),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    def get(self, url: str, method: str = "GET", **headers: str) -> Answer:
        return self.send(
            method, url, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


def b64(data: bytes, *, quoted: bool = True) -> str:
    text = base64.b64encode(data).decode()
    return text.replace("+", "%2B").replace("=", "%3D") if quoted else text


def place_in(folder: Path, name: str, index: SignatureIndex | None = None) -> Place:
    """A workspace on a virtual clock; `name` decides its key."""
    folder.mkdir(parents=True)
    build_file(folder / "control.db", CONTROL, CONTROL_VERSION)
    ids = Ids(1, name)
    key = base64.b64encode(ids.fixed("key", 32) * 2).decode()
    workspace = Workspace(
        WorkspaceId(name), 1, Clock(ClockMode.VIRTUAL, NOW), ids, folder, ACCOUNT, key
    )
    database = Database(folder / "control.db", durable=False)
    content = LocalContentStore(folder / "content", lambda: ids.octets("content").hex())
    service = BlobService(
        workspace,
        SqliteBlobStore(database),
        content,
        issued=lambda sig: index.remember(sig, workspace.id) if index else None,
    )
    return Place(workspace, service, database, folder / "content")
