"""What an environment file holds, as values; the composition root makes the subsystems' of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.settings import Settings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Tenant:
    """The tenant of the token service."""

    id: str
    domain: str


@dataclass(frozen=True)
class Client:
    """An application; `user` is the id of the user it maps to, "" when it maps to none."""

    id: str
    secret: str
    user: str = ""
    name: str = ""


@dataclass(frozen=True)
class UserEntry:
    """A user, as the file describes one."""

    id: str
    upn: str
    password: str = ""
    company: str = "USMF"
    roles: tuple[str, ...] = ("System administrator",)
    enabled: bool = True


@dataclass(frozen=True)
class Company:
    """A legal entity."""

    id: str
    name: str = ""


@dataclass(frozen=True)
class ProjectEntity:
    """One entity of a data project; empty `file` and `fields`: as the product chooses.

    Attributes:
        filter: of exports: the values that a field may have, by field; all must hold.
        refresh_type: of exports: ``FullPush`` or ``IncrementalPush``.

    """

    entity: str
    format: str
    file: str = ""
    fields: tuple[str, ...] = ()
    filter: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    refresh_type: str = "FullPush"


@dataclass(frozen=True)
class Project:
    """A data project; `operation` is ``Import`` or ``Export``."""

    name: str
    operation: str
    entities: tuple[ProjectEntity, ...]
    description: str = ""


@dataclass(frozen=True)
class TemplateEntity:
    """One entity of a template; empty `category`: the catalogue's."""

    entity: str
    unit: int = 1
    level: int = 1
    sequence: int = 1
    category: str = ""
    module: str = ""
    tags: str = ""


@dataclass(frozen=True)
class Template:
    """A template that data projects are made from; clients read them over OData.

    `validated`: when it was; only the status `Validated` has it.
    """

    id: str
    entities: tuple[TemplateEntity, ...]
    description: str = ""
    status: str = "Validated"
    validated: dt.datetime | None = None


@dataclass(frozen=True)
class Seed:
    """Rows to begin with: of one entity by staging name, or of a package (then `package`)."""

    entity: str = ""
    company: str = ""
    rows: tuple[Mapping[str, Any], ...] = ()
    package: Path | None = None


@dataclass(frozen=True)
class ImportTasks:
    """Into how many parts an import of an entity is divided.

    Attributes:
        records: records of a file from which it is.
        tasks: the number of parts.

    """

    entity: str
    records: int
    tasks: int


@dataclass(frozen=True)
class EnvironmentFile:
    """An environment file with every path absolute and every default filled in.

    Attributes:
        entities: definitions as in the file, or ``{"metadata": Path}``, or ``{"package": Path}``.
        data_sources: source data formats beside the stock ones, as in the file.
        server: settings of the emulator itself, by key; see `config.loader`.

    """

    tenant: Tenant
    clients: tuple[Client, ...]
    users: tuple[UserEntry, ...]
    companies: tuple[Company, ...]
    resources: tuple[str, ...] = ()
    entities: tuple[Mapping[str, Any], ...] = ()
    data_sources: tuple[Mapping[str, Any], ...] = ()
    data_projects: tuple[Project, ...] = ()
    templates: tuple[Template, ...] = ()
    import_tasks: tuple[ImportTasks, ...] = ()
    data: tuple[Seed, ...] = ()
    settings: Settings = field(default_factory=Settings)
    server: Mapping[str, Any] = field(default_factory=dict)
