"""The WSGI entry: every request goes one way, written down as one list (`Gateway.way`)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from d365fo_emulator.http import faults
from d365fo_emulator.http.addresses import InvalidHost, base_url_of
from d365fo_emulator.http.bodies import BodyTruncated, FileAnswer
from d365fo_emulator.http.exchange import ENVIRON_KEY, Exchange, SurfaceName
from d365fo_emulator.http.routing import choose
from d365fo_emulator.http.tees import AnswerTee, RequestTee
from d365fo_emulator.kernel.errors import NotEmulated, WorkspaceNotFound
from d365fo_emulator.kernel.faults import Decision, FaultPhase

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

    from d365fo_emulator.http.routing import Route
    from d365fo_emulator.http.surface import Surface
    from d365fo_emulator.kernel.workspace import Workspace

Headers = list[tuple[str, str]]
OnDone = Callable[[Exchange, int, Headers, bytes, bytes], object]

NO_ANSWER = 0
"""The status told of a request that got no answer: its client left inside the body."""

REQUEST_ID_HEADER = "X-Emulator-Request-Id"
REASON_HEADER = "X-Emulator-Reason"
REASON_LENGTH = 500
_JOIN_BELOW = 256 * 1024

_log = logging.getLogger(__name__)


def _undecided(_exchange: Exchange) -> Decision:
    return Decision()


def _ignore(*_: Any) -> None:
    return None


def _no_excuse(_exchange: Exchange) -> str:
    return ""


@dataclass(frozen=True)
class Hooks:
    """What others do while a request passes.

    Attributes:
        decide: what the scenario says of it; facts are known, the caller is not yet.
        on_start: the journal opens its entry.
        on_done: the answer is decided: exchange, status (`NO_ANSWER`: none), headers, the first
            bytes read of the request's body and of the answer's. Called before the last byte of
            the answer leaves, so that a client can look its request up.
        excuse: why a request can have failed through no fault of ours (its workspace was dropped
            under it); "" when there is no such reason. With one, the answer is 503, not 500.
        on_exception: an exception that no handler knew, for the test that caused it.

    """

    decide: Callable[[Exchange], Decision] = _undecided
    on_start: Callable[[Exchange], object] = _ignore
    on_done: OnDone = _ignore
    excuse: Callable[[Exchange], str] = _no_excuse
    on_exception: Callable[[Exchange, Exception], object] = _ignore


@dataclass(frozen=True)
class GatewayOptions:
    """How the gateway is set up.

    Attributes:
        public_url: the address in answers, whatever `Host` says.
        storage_account: first path segment, and first host label, of the blob service.
        emulator_headers: whether answers carry `X-Emulator-Request-Id` and `X-Emulator-Reason`.
        body_excerpt_bytes: how much of each body the journal gets.
        max_request_bytes: of a body; blobs have limits of their own.
        port_surfaces: listening ports that serve one surface alone.

    """

    public_url: str | None = None
    storage_account: str = "devstoreaccount1"
    emulator_headers: bool = True
    body_excerpt_bytes: int = 64 * 1024
    max_request_bytes: int = 64 * 1024 * 1024
    port_surfaces: Mapping[int, SurfaceName] = field(default_factory=dict)


@dataclass
class Passage:
    """One request on its way: what each step may look at."""

    surface: Surface
    exchange: Exchange
    environ: dict[str, Any]
    refusal: tuple[int, str] | None
    body: RequestTee | None = None

    def refuse(self, status: int, text: str) -> WSGIApplication:
        """An answer in the surface's dialect; `text` says why."""
        if not self.exchange.reason:
            self.exchange.reason = text
        return self.surface.error(self.exchange, status, text)


Step = Callable[[Passage], "WSGIApplication | None"]


@dataclass(frozen=True)
class _Captured:
    status: str
    headers: Headers
    body: Iterable[bytes]

    @property
    def code(self) -> int:
        return int(self.status[:3])


class Gateway:
    """Serves all surfaces.

    Args:
        surfaces: one per dialect; what fits none gets the finance surface's 404.
        default_workspace: the workspace of a request that names none.

    """

    def __init__(
        self,
        surfaces: Sequence[Surface],
        default_workspace: Callable[[], Workspace],
        hooks: Hooks | None = None,
        options: GatewayOptions | None = None,
    ) -> None:
        self._surfaces = {surface.name: surface for surface in surfaces}
        self._fallback = self._surfaces.get(SurfaceName.FINANCE, surfaces[0])
        self._default_workspace = default_workspace
        self._hooks = hooks or Hooks()
        self._options = options or GatewayOptions()
        self._date: tuple[Any, str] = (None, "")
        # The way of a request. The first step that returns an application has it answer.
        self.way: tuple[tuple[str, Step], ...] = (
            ("host and workspace are sound", self._refuse_unsound),
            ("body is not too large", self._refuse_oversized),
            ("journal opens its entry", self._start),
            ("scenario decides", self._decide),
            ("fault before", self._perform_before),
            ("caller is authenticated", self._authenticate),
            ("dialect answers", self._hand_over),
        )

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request (PEP 3333)."""
        passage = self._open(environ)
        try:
            answer = self._answer(passage)
        except BodyTruncated as cut:
            passage.exchange.reason = str(cut)
            self._done(passage, NO_ANSWER, [], b"")
            raise
        self._add_headers(passage.exchange, answer)
        body = self._watched(passage, answer)
        start_response(answer.status, answer.headers)
        return body

    # Opening

    def _open(self, environ: dict[str, Any]) -> Passage:
        """Finds surface, address and workspace, and opens the exchange."""
        options = self._options
        route = choose(environ, options.storage_account, options.port_surfaces)
        surface = self._surfaces.get(route.surface, self._fallback)
        refusal: tuple[int, str] | None = None
        workspace: Workspace | None = None
        try:
            base_url = base_url_of(environ, options.public_url)
            workspace = surface.find_workspace(environ)
        except InvalidHost as invalid:
            base_url, refusal = "", (400, str(invalid))
        except WorkspaceNotFound as unknown:
            refusal = (404, str(unknown))
        workspace = workspace or self._default_workspace()
        exchange = _exchange(environ, route, surface, workspace, base_url)
        environ[ENVIRON_KEY] = exchange
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = route.prefix, route.path
        passage = Passage(surface, exchange, environ, refusal)
        if surface.name is not SurfaceName.BLOB:
            keep = options.body_excerpt_bytes if surface.journals_bodies else 0
            passage.body = RequestTee(environ["wsgi.input"], keep, options.max_request_bytes)
            environ["wsgi.input"] = passage.body
        return passage

    # The steps, in their order

    def _refuse_unsound(self, passage: Passage) -> WSGIApplication | None:
        if passage.refusal is None:
            return None
        self._start(passage)
        return passage.refuse(*passage.refusal)

    def _refuse_oversized(self, passage: Passage) -> WSGIApplication | None:
        length = passage.environ.get("CONTENT_LENGTH")
        if passage.body is None or not length or int(length) <= self._options.max_request_bytes:
            return None
        self._start(passage)
        limit = self._options.max_request_bytes
        return passage.refuse(413, f"the request body has {length} bytes, {limit} are allowed")

    def _start(self, passage: Passage) -> None:
        if passage.surface.name is not SurfaceName.ADMIN:
            passage.exchange.facts.update(passage.surface.describe(passage.environ))
            self._hooks.on_start(passage.exchange)

    def _decide(self, passage: Passage) -> None:
        if passage.surface.name is SurfaceName.ADMIN:
            return
        decision = self._hooks.decide(passage.exchange)
        passage.exchange.decision = decision
        passage.exchange.notes.extend(decision.because)
        faults.check(decision)

    def _perform_before(self, passage: Passage) -> WSGIApplication | None:
        fault = passage.exchange.decision.fault
        if fault is None or fault.phase is not FaultPhase.BEFORE:
            return None
        return faults.perform(passage.exchange, fault, passage.environ)

    def _authenticate(self, passage: Passage) -> WSGIApplication | None:
        check = passage.surface.authenticate
        return None if check is None else check(passage.exchange, passage.environ)

    def _hand_over(self, passage: Passage) -> WSGIApplication:
        return passage.surface.app

    # Answering

    def _answer(self, passage: Passage) -> _Captured:
        try:
            captured = _captured(self._walk(passage), passage.environ)
            fault = passage.exchange.decision.fault
            if fault is None or fault.phase is not FaultPhase.AFTER:
                return captured
            return _captured(
                faults.perform(passage.exchange, fault, passage.environ), passage.environ
            )
        except BodyTruncated:
            raise
        except NotEmulated as missing:
            refusal = passage.refuse(501, str(missing))
        except HTTPException as refused:
            refusal = passage.refuse(refused.code or 500, refused.description or refused.name)
        except Exception as error:  # noqa: BLE001  no bug may leave a client without an answer
            refusal = self._failed(passage, error)
        return _captured(refusal, passage.environ)

    def _failed(self, passage: Passage, error: Exception) -> WSGIApplication:
        exchange, kind = passage.exchange, type(error).__name__
        exchange.note(f"exception in the emulator: {kind}: {error}")
        if excuse := self._hooks.excuse(exchange):
            return passage.refuse(503, excuse)
        _log.exception("%s %s failed", exchange.method, exchange.path, exc_info=error)
        self._hooks.on_exception(exchange, error)
        return passage.refuse(500, f"the emulator itself failed ({kind}); see its log")

    def _walk(self, passage: Passage) -> WSGIApplication:
        for _, step in self.way:
            answering = step(passage)
            if answering is not None:
                return answering
        raise AssertionError("the last step always answers")

    def _add_headers(self, exchange: Exchange, answer: _Captured) -> None:
        names = {name.lower() for name, _ in answer.headers}
        if "date" not in names:
            answer.headers.append(("Date", self._date_of(exchange)))
        if exchange.surface is SurfaceName.ADMIN or not self._options.emulator_headers:
            return
        # azure-storage-blob takes any header with a lower-case "or-" in its name for a replication
        # policy, and breaks on ours; upper case is the same name to everybody else.
        spelt = str.upper if exchange.surface is SurfaceName.BLOB else str
        answer.headers.append((spelt(REQUEST_ID_HEADER), exchange.request_id))
        if exchange.reason and answer.code >= 400:
            answer.headers.append((spelt(REASON_HEADER), one_line(exchange.reason)))

    def _date_of(self, exchange: Exchange) -> str:
        """The `Date` of an answer, by the workspace's clock; made once per second."""
        second = exchange.received_at.replace(microsecond=0)
        known, text = self._date
        if known != second:
            text = http_date(second)
            self._date = (second, text)
        return text

    def _watched(self, passage: Passage, answer: _Captured) -> Iterable[bytes]:
        """The answer's body, with `on_done` called before its last byte leaves."""
        surface, body = passage.surface, answer.body
        keep = self._options.body_excerpt_bytes if surface.journals_bodies else 0
        if isinstance(body, FileAnswer):
            self._done(passage, answer.code, answer.headers, b"")
            return body
        if not isinstance(body, (list, tuple)) and _is_small(answer.headers):
            body = _joined(body)
        if isinstance(body, (list, tuple)):
            excerpt = b"".join(body)[:keep] if keep else b""
            self._done(passage, answer.code, answer.headers, excerpt)
            return body

        def done(excerpt: bytes, whole: bool) -> None:
            if not whole:
                passage.exchange.note("the answer did not come to its end")
            self._done(passage, answer.code, answer.headers, excerpt)

        return AnswerTee(body, keep, done)

    def _done(self, passage: Passage, status: int, headers: Headers, answered: bytes) -> None:
        if passage.surface.name is SurfaceName.ADMIN:
            return
        asked = b""
        if passage.body is not None and passage.surface.journals_bodies:
            asked = passage.body.excerpt
        self._hooks.on_done(passage.exchange, status, headers, asked, answered)


def _exchange(
    environ: Mapping[str, Any],
    route: Route,
    surface: Surface,
    workspace: Workspace,
    base_url: str,
) -> Exchange:
    # The admin API has ids of its own kind: looking at an emulator must not shift a replay.
    kind = "admin request" if surface.name is SurfaceName.ADMIN else "request"
    return Exchange(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        surface=surface.name,
        workspace=workspace,
        request_id=str(workspace.ids.guid(kind)),
        received_at=workspace.clock.now,
        base_url=base_url,
        secure=environ["wsgi.url_scheme"] == "https",
        remote_address=environ.get("REMOTE_ADDR", ""),
        prefix=route.prefix,
    )


def _captured(app: WSGIApplication, environ: dict[str, Any]) -> _Captured:
    """What an application answers, before any of it is sent.

    Raises:
        RuntimeError: it did not call `start_response` before it returned.

    """
    said: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, _exc_info: Any = None) -> Any:
        said[:] = [(status, headers)]
        return None  # no surface uses the `write` callable of old

    body = app(environ, start_response)
    if not said:
        raise RuntimeError("an application must call start_response before it returns")
    return _Captured(said[0][0], list(said[0][1]), body)


def _is_small(headers: Headers) -> bool:
    for name, value in headers:
        if name.lower() == "content-length":
            return int(value) <= _JOIN_BELOW
    return False


def _joined(body: Iterable[bytes]) -> list[bytes]:
    try:
        return [b"".join(body)]
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


def one_line(text: str) -> str:
    """`text` as a header value: one line of latin-1, at most 500 characters."""
    line = "".join(each for each in " ".join(text.split()) if each.isprintable())
    return line[:REASON_LENGTH].encode("latin-1", "replace").decode("latin-1")
