"""The emulator as a whole: built from a configuration, started, stopped."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from d365fo_emulator.admin.http import AdminAccess, admin_surface
from d365fo_emulator.admin.model import ServerInfo
from d365fo_emulator.admin.service import InProcessAdmin
from d365fo_emulator.blob import http as blob_http
from d365fo_emulator.blob.signatures import SignatureIndex
from d365fo_emulator.config.environment import load_environment
from d365fo_emulator.config.loader import load_config
from d365fo_emulator.config.wellknown import default_environment
from d365fo_emulator.dmf import http as dmf_http
from d365fo_emulator.dmf.engine import Engine
from d365fo_emulator.emulator.access import FinanceAccess
from d365fo_emulator.emulator.building import Shared
from d365fo_emulator.emulator.entity_sources import EntitySources
from d365fo_emulator.emulator.home import Home
from d365fo_emulator.emulator.journaling import entry_of
from d365fo_emulator.emulator.sources import join_scenarios, read_scenario
from d365fo_emulator.emulator.view import WorkspaceView
from d365fo_emulator.emulator.workspaces import WorkspaceRegistry
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.http.addresses import OwnAddresses, own_addresses
from d365fo_emulator.http.gateway import Gateway, GatewayOptions, Hooks
from d365fo_emulator.http.listener import Listener
from d365fo_emulator.http.tls import Authority, context_from_files, default_names
from d365fo_emulator.identity import http as identity_http
from d365fo_emulator.identity.keys import SigningKeys
from d365fo_emulator.kernel.clock import system_now
from d365fo_emulator.kernel.errors import WorkspaceNotFound
from d365fo_emulator.kernel.version import __version__
from d365fo_emulator.kernel.workspace import DEFAULT
from d365fo_emulator.storage.files import WorkspaceFiles

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from d365fo_emulator.config.model import Config
    from d365fo_emulator.emulator.sources import ScenarioSource
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId

log = logging.getLogger("d365fo_emulator")


class Emulator(WorkspaceView):
    """A running emulator in this process, and at once the view of its default workspace.

    Without a configuration it is what a test wants: random ports, an auto clock, the well-known
    tenant and companies, no rows, and nothing kept but in a temporary folder.

    Args:
        environment: an environment file, or a mapping of the same form.
        scenario: a file, the name of a shipped one, a mapping, or a value.
        clock: `auto`, `virtual` or `real`.
        seed: what all ids follow from.
        data_dir: where everything is kept; None: nowhere.
        config: everything at once, as the command builds it; the other arguments are then left out.

    Raises:
        ConfigurationError: something that cannot be used; the message names the remedy.

    """

    def __init__(
        self,
        environment: str | Path | Mapping[str, Any] | None = None,
        scenario: ScenarioSource | None = None,
        clock: str = "auto",
        seed: int = 0,
        data_dir: str | Path | None = None,
        *,
        config: Config | None = None,
    ) -> None:
        demonstration = config is not None
        self.config = config or load_config(
            {
                "http_port": 0,
                "https_port": 0,
                "clock": clock,
                "seed": seed,
                "data_dir": None if data_dir is None else Path(data_dir),
                "ephemeral": data_dir is None,
            }
        )
        base = default_environment(demonstration=demonstration)
        source = environment if environment is not None else self.config.environment
        # A file says all of the rows and projects that there are: the demonstration goes.
        self._environment = (
            base
            if source is None
            else load_environment(source, default_environment(demonstration=False))
        )
        named = () if scenario is None else (scenario,)
        self._scenario = join_scenarios([*named, *self.config.scenario])
        self._home = Home(self.config)
        self._running = contextlib.ExitStack()
        self._started_at = system_now()
        self._pending: tuple[str, ...] = ("start",)
        self._listeners: list[Listener] = []
        self._addresses: OwnAddresses | None = None
        self._authority: Authority | None = None
        self._failures: list[tuple[WorkspaceId, BaseException]] = []

    # Start and stop

    def start(self) -> Self:
        """Builds everything, opens the workspaces and begins to listen; returns when it answers.

        Raises:
            ConfigurationError: a taken port, a data directory in use, an unusable environment.

        """
        with contextlib.ExitStack() as running:  # undoes what was begun when a later step fails
            self._build(running)
            self._running = running.pop_all()
        self._pending = ()
        return self

    def stop(self) -> None:
        """Stops listening, ends work at its next batch, and removes what is not to be kept."""
        self._pending = ("start",)
        self._running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Workspaces and addresses

    @property
    def workspaces(self) -> WorkspaceRegistry:
        """All workspaces of this server."""
        return self._registry

    @property
    def admin(self) -> InProcessAdmin:
        """The admin API, in process."""
        return self._admin

    def workspace(self, workspace_id: str) -> WorkspaceView:
        """The view of one workspace.

        Raises:
            WorkspaceNotFound: there is none of this id.

        """
        return WorkspaceView.of(self, self._registry.get(workspace_id))

    def create_workspace(
        self,
        workspace_id: str | None = None,
        *,
        environment: str | Path | Mapping[str, Any] | None = None,
        scenario: ScenarioSource | None = None,
        **options: Any,
    ) -> WorkspaceView:
        """A new workspace and its view; options as `WorkspaceRegistry.create`."""
        if environment is not None:
            options["environment"] = load_environment(environment)
        if scenario is not None:
            options["scenario"] = read_scenario(scenario)
        return WorkspaceView.of(self, self._registry.create(workspace_id, **options))

    def drop_workspace(self, workspace_id: str) -> None:
        """Removes a workspace with everything in it."""
        self._registry.drop(workspace_id)

    @property
    def failures(self) -> Sequence[tuple[WorkspaceId, BaseException]]:
        """Exceptions that were the emulator's own fault, with the workspace they happened in."""
        return tuple(self._failures)

    def url_of(self, scheme: str) -> str:
        """`scheme://localhost:<port>` of the listener; the public URL where that is configured."""
        public = self.config.public_url.rstrip("/")
        if public.startswith(f"{scheme}:"):
            return public
        port = next((one.port for one in self._listeners if one.scheme == scheme), None)
        return f"{scheme}://localhost:{port}" if port else ""

    @property
    def bundle_path(self) -> str:
        """Path of the trust bundle; "" without an authority of our own."""
        return str(self._home.folder / "tls" / "bundle.pem") if self._authority else ""

    def server_info(self) -> ServerInfo:
        """The running server, as of now."""
        return ServerInfo(
            version=__version__,
            started_at=self._started_at,
            http_url=self.http_url,
            https_url=self.https_url,
            blob_url=f"{self.https_url or self.http_url}/{self.config.storage_account}",
            ca_bundle=self.ca_bundle,
            ca_pem=self._authority.ca_pem.decode() if self._authority else "",
            data_dir=str(self._home.folder),
            pending=self._pending,
            names=self._names,
        )

    # Building

    def _build(self, running: contextlib.ExitStack) -> None:
        """Makes each part and notes how to end it; they end in the opposite order."""
        self._home.open()
        running.callback(self._home.close)
        engine = Engine()
        running.callback(engine.stop)
        self._signatures = SignatureIndex(lambda: self._registry.workspaces())  # noqa: PLW0108  made below
        self._registry = WorkspaceRegistry(self._shared(engine), self._signatures.remember)
        running.callback(self._registry.close)
        self._admin = InProcessAdmin(self._registry, self.server_info)
        self._names = (*default_names(self.config.storage_account), *self.config.tls_san)
        self._listeners = []
        for listener in self._make_listeners(self._gateway()):
            self._listeners.append(listener)
            running.callback(listener.stop)
        self._addresses = own_addresses(
            {one.scheme: [one.port] for one in self._listeners},
            self._names,
            self.config.public_url or None,
        )
        self._registry.create(DEFAULT)
        self._bind(self._registry.get(DEFAULT), self)
        self._started_at = system_now()
        for listener in self._listeners:
            listener.start()

    def _shared(self, engine: Engine) -> Shared:
        folder, kept = self._home.folder, self._home.kept
        builtin = BuiltinCatalogue()
        return Shared(
            config=self.config,
            environment=self._environment,
            scenario=self._scenario,
            folder=folder / "workspaces",
            files=WorkspaceFiles(folder / "templates", durable=kept),
            builtin=builtin,
            sources=EntitySources(builtin),
            keys=SigningKeys.load_or_create(folder / "keys" if kept else None, system_now()),
            engine=engine,
            is_own_audience=self._is_own_audience,
            is_own_base=self._is_own_audience,
            on_failure=lambda workspace, error: self._failures.append((workspace, error)),
        )

    def _is_own_audience(self, audience: str) -> bool:
        return self._addresses is not None and self._addresses.is_own_audience(audience)

    def _gateway(self) -> Gateway:
        access = FinanceAccess(self._registry)
        admin_access = AdminAccess(self.config.admin_token, (*self._names, self.config.public_url))
        surfaces = (
            identity_http.build_surface(
                service_of=lambda workspace: self._registry.get(workspace.id).identity,
                workspace_of_tenant=self._registry.of_tenant,
            ),
            dmf_http.build_surface(
                lambda workspace: self._registry.get(workspace.id).dmf,
                access.find_workspace,
                access.authenticate,
            ),
            blob_http.build_surface(
                lambda workspace: self._registry.get(workspace.id).blob, self._signatures.find
            ),
            admin_surface(self._admin, self._registry, admin_access),
        )
        return Gateway(
            surfaces,
            self._default_workspace,
            Hooks(
                on_start=self._registry.begin_request,
                on_done=self._journal,
                excuse=self._registry.excuse,
                on_exception=self._failed,
            ),
            GatewayOptions(
                public_url=self.config.public_url.rstrip("/") or None,
                storage_account=self.config.storage_account,
                emulator_headers=self.config.emulator_headers,
            ),
        )

    def _default_workspace(self) -> Workspace:
        return self._registry.get(DEFAULT).workspace

    def _journal(
        self,
        exchange: Exchange,
        status: int,
        headers: list[tuple[str, str]],
        request_body: bytes,
        response_body: bytes,
    ) -> None:
        entry = entry_of(exchange, status, headers, request_body, response_body)
        with contextlib.suppress(WorkspaceNotFound):  # dropped in the meantime
            self._registry.get(exchange.workspace.id).journal.record(entry)
        log.info("%s", entry.line(), extra={"exchange": entry})
        self._registry.end_request(exchange)

    def _failed(self, exchange: Exchange, error: Exception) -> None:
        self._failures.append((exchange.workspace.id, error))

    def _make_listeners(self, gateway: Gateway) -> Iterator[Listener]:
        config = self.config
        if config.https_port >= 0:
            yield Listener(gateway, config.host, config.https_port, self._tls(), name="https")
        if config.http_port >= 0:
            yield Listener(gateway, config.host, config.http_port, name="http")

    def _tls(self) -> ssl.SSLContext:
        if self.config.tls_cert is not None and self.config.tls_key is not None:
            return context_from_files(self.config.tls_cert, self.config.tls_key)
        folder = self._home.folder / "tls"
        self._authority = Authority.load_or_create(
            folder if self._home.kept else None, system_now()
        )
        folder.mkdir(parents=True, exist_ok=True)
        self._authority.write_bundle(folder / "bundle.pem")
        return self._authority.server_context(self._names)
