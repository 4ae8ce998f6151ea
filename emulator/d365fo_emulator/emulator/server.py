"""The emulator as a whole: built from a configuration, started, stopped."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import shutil
import tempfile
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
from d365fo_emulator.emulator.journaling import entry_of
from d365fo_emulator.emulator.view import WorkspaceView
from d365fo_emulator.emulator.workspaces import Shared, WorkspaceRegistry
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.http.addresses import OwnAddresses, own_addresses
from d365fo_emulator.http.gateway import Gateway, GatewayOptions, Hooks
from d365fo_emulator.http.listener import Listener
from d365fo_emulator.http.tls import Authority, context_from_files, default_names
from d365fo_emulator.identity import http as identity_http
from d365fo_emulator.identity.keys import SigningKeys
from d365fo_emulator.kernel.clock import system_now
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.workspace import DEFAULT
from d365fo_emulator.scenarios import library
from d365fo_emulator.scenarios.loader import load_mapping, load_path
from d365fo_emulator.scenarios.model import Scenario
from d365fo_emulator.storage.files import WorkspaceFiles

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from filelock import FileLock

    from d365fo_emulator.config.model import Config
    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId

log = logging.getLogger("d365fo_emulator")


def read_scenario(source: str | Path | Mapping[str, Any] | Scenario) -> Scenario:
    """A scenario given as a value, a mapping, a file, or the name of a shipped one.

    Raises:
        ScenarioInvalid: with the path, line and nearest valid word of each problem.
        ConfigurationError: neither a file nor a shipped name.

    """
    if isinstance(source, Scenario):
        return source
    if isinstance(source, (str, Path)):
        shipped = {name for name, _line in library.names()}
        if str(source) in shipped:
            return library.load(str(source))
        return load_path(Path(source))
    return load_mapping(source)


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
        scenario: str | Path | Mapping[str, Any] | Scenario | None = None,
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
        self._scenario = _joined_scenario(scenario, self.config.scenario)
        self._started = False
        self._folder, self._durable = _folder_of(self.config)
        self._lock: FileLock | None = None
        self._listeners: list[Listener] = []
        self._addresses: OwnAddresses | None = None
        self._failures: list[tuple[WorkspaceId, BaseException]] = []
        self._opened_at = system_now()

    # Start and stop

    def start(self) -> Self:
        """Builds everything, opens the workspaces and begins to listen; returns when it answers.

        Raises:
            ConfigurationError: a taken port, a data directory in use, an unusable environment.

        """
        try:
            self._lock = _take_lock(self._folder) if self._durable else None
            self._build()
        except BaseException:
            self.stop()
            raise
        self._started = True
        return self

    def stop(self) -> None:
        """Stops listening, ends work at its next batch, and removes what is not to be kept."""
        for listener in self._listeners:
            listener.stop()
        self._listeners = []
        if registry := getattr(self, "_registry", None):
            registry.close()
        if engine := getattr(self, "_engine", None):
            engine.stop()
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if not self._durable:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._started = False

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
        scenario: str | Path | Mapping[str, Any] | Scenario | None = None,
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
        return str(self._folder / "tls" / "bundle.pem") if self._authority else ""

    def server_info(self) -> ServerInfo:
        """The running server, as of now."""
        return ServerInfo(
            version=importlib.metadata.version("d365fo-emulator"),
            started_at=self._opened_at,
            http_url=self.http_url,
            https_url=self.https_url,
            blob_url=f"{self.https_url or self.http_url}/{self.config.storage_account}",
            ca_bundle=self.ca_bundle,
            ca_pem=self._authority.ca_pem.decode() if self._authority else "",
            data_dir=str(self._folder),
            pending=() if self._started else ("start",),
            names=self._names,
        )

    # Building

    def _build(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._engine = Engine()
        self._signatures = SignatureIndex(lambda: self._registry.workspaces())  # noqa: PLW0108  made below
        self._registry = WorkspaceRegistry(self._shared(), lambda: self._signatures)
        self._admin = InProcessAdmin(self._registry, self.server_info)
        self._names = (*default_names(self.config.storage_account), *self.config.tls_san)
        gateway = self._gateway()
        self._authority: Authority | None = None
        self._listen(gateway)
        self._addresses = own_addresses(
            {one.scheme: [one.port] for one in self._listeners},
            self._names,
            self.config.public_url or None,
        )
        self._registry.create(DEFAULT)
        self._bind(self._registry.get(DEFAULT), self)
        for listener in self._listeners:
            listener.start()

    def _shared(self) -> Shared:
        return Shared(
            config=self.config,
            environment=self._environment,
            scenario=self._scenario,
            folder=self._folder,
            files=WorkspaceFiles(self._folder / "templates", durable=self._durable),
            builtin=BuiltinCatalogue(),
            keys=SigningKeys.load_or_create(
                self._folder / "keys" if self._durable else None, system_now()
            ),
            engine=self._engine,
            is_own_audience=self._is_own_audience,
            is_own_base=self._is_own_audience,
            on_failure=lambda workspace, error: self._failures.append((workspace, error)),
        )

    def _is_own_audience(self, audience: str) -> bool:
        return self._addresses is not None and self._addresses.is_own_audience(audience)

    def _gateway(self) -> Gateway:
        access = FinanceAccess(self._registry)
        admin_access = AdminAccess(self.config.admin_token, self._names)
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
            Hooks(on_done=self._journal, on_exception=self._failed),
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
        with contextlib.suppress(LookupError):
            self._registry.get(exchange.workspace.id).journal.record(entry)
        log.info("%s", entry.line(), extra={"exchange": entry})

    def _failed(self, error: Exception) -> None:
        self._failures.append((DEFAULT, error))

    def _listen(self, gateway: Gateway) -> None:
        config = self.config
        if config.https_port >= 0:
            tls = self._tls()
            self._listeners.append(
                Listener(gateway, config.host, config.https_port, tls, name="https")
            )
        if config.http_port >= 0:
            self._listeners.append(Listener(gateway, config.host, config.http_port, name="http"))

    def _tls(self) -> ssl.SSLContext:
        if self.config.tls_cert is not None and self.config.tls_key is not None:
            return context_from_files(self.config.tls_cert, self.config.tls_key)
        folder = self._folder / "tls"
        self._authority = Authority.load_or_create(folder if self._durable else None, system_now())
        folder.mkdir(parents=True, exist_ok=True)
        self._authority.write_bundle(folder / "bundle.pem")
        return self._authority.server_context(self._names)


def _joined_scenario(
    given: str | Path | Mapping[str, Any] | Scenario | None, configured: Sequence[str]
) -> Scenario | None:
    """One scenario of all that were named: rules in their order, the first name and clock."""
    sources: list[Any] = ([] if given is None else [given]) + list(configured)
    scenarios = [read_scenario(source) for source in sources]
    if len(scenarios) < 2:
        return scenarios[0] if scenarios else None
    first = scenarios[0]
    rules = tuple(rule for scenario in scenarios for rule in scenario.rules)
    ids = [rule.id for rule in rules]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ConfigurationError(f"two scenarios have rules of one id: {', '.join(twice)}")
    return Scenario(
        name=" + ".join(scenario.name for scenario in scenarios),
        rules=rules,
        seed=first.seed,
        clock=next((one.clock for one in scenarios if one.clock), None),
        default_timeline=next((one.default_timeline for one in scenarios), None),
    )


def _folder_of(config: Config) -> tuple[Path, bool]:
    """Where everything lies, and whether it is kept."""
    if config.ephemeral:
        return Path(tempfile.mkdtemp(prefix="d365fo-emulator-")), False
    if config.data_dir is not None:
        return config.data_dir.resolve(), True
    import platformdirs  # noqa: PLC0415  only the command's default needs it

    return Path(platformdirs.user_data_dir("d365fo-emulator", appauthor=False)), True


def _take_lock(folder: Path) -> FileLock:
    """One process at a time: two would write the same files.

    Raises:
        ConfigurationError: another process has it.

    """
    import filelock  # noqa: PLC0415  only a kept directory needs it

    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise ConfigurationError(
            f"the data directory {folder} is in use by another emulator: stop that one, or take"
            " another with --data-dir or none with --ephemeral"
        ) from None
    return lock
