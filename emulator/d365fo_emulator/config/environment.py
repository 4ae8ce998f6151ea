"""The environment file: which tenant, users, companies, entities and rows are imitated."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.resources
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from d365fo_emulator.config.entries import (
    Client,
    Company,
    EnvironmentFile,
    ImportTasks,
    Project,
    ProjectEntity,
    Seed,
    Template,
    TemplateEntity,
    Tenant,
    UserEntry,
)
from d365fo_emulator.config.wellknown import (
    default_environment,
    for_workspace,
    workspace_identity,
)
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema.exceptions import ValidationError

__all__ = [
    "EnvironmentFile",
    "default_environment",
    "environment_schema",
    "environment_schema_text",
    "for_workspace",
    "load_environment",
    "workspace_identity",
]

SCHEMA_FILE = "environment.v1.schema.json"


def environment_schema_text() -> str:
    """The JSON Schema (draft 2020-12) of environment files, as it is kept."""
    return importlib.resources.files(__package__).joinpath(SCHEMA_FILE).read_text("utf-8")


def environment_schema() -> dict[str, Any]:
    """The same, read."""
    schema: dict[str, Any] = json.loads(environment_schema_text())
    return schema


def load_environment(
    source: str | Path | Mapping[str, Any], base: EnvironmentFile | None = None
) -> EnvironmentFile:
    """The environment that a file, or a mapping of the same form, describes.

    What it leaves out is taken from `base`; by default the well-known values, without rows.

    Raises:
        ConfigurationError: unreadable, unknown keys (with the nearest word and the path), values
            that do not fit together, or parts that are not emulated yet.

    """
    if isinstance(source, (str, Path)):
        from d365fo_emulator.config.yaml import read_yaml  # noqa: PLC0415  only files need it

        path = Path(source)
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: cannot be read: {error}") from None
        document, folder, named = read_yaml(text, str(path)), path.absolute().parent, str(path)
    else:
        document, folder, named = dict(source), Path.cwd(), "environment"
    try:
        return _environment(document, folder, base or default_environment(demonstration=False))
    except ConfigurationError as error:
        raise ConfigurationError(f"{named}: {error}") from None


def _environment(document: Any, folder: Path, base: EnvironmentFile) -> EnvironmentFile:
    _refuse_unbuilt(document)
    _validate(document)
    parts = _sections(document, folder)
    if "tenant" in document and "domain" not in document["tenant"]:
        parts["tenant"] = dataclasses.replace(base.tenant, id=document["tenant"]["id"])
    environment = dataclasses.replace(base, **parts)
    _check_names(environment)
    return environment


def _sections(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    read: dict[str, Callable[[Any], Any]] = {
        "tenant": lambda value: Tenant(value["id"], value.get("domain", "")),
        "clients": lambda value: tuple(Client(**item) for item in value),
        "users": lambda value: tuple(UserEntry(**_frozen(item)) for item in value),
        "companies": lambda value: tuple(_company(item) for item in value),
        "resources": tuple,
        "entities": lambda value: tuple(_located(item, folder) for item in value),
        "dataSources": lambda value: tuple(dict(item) for item in value),
        "dataProjects": lambda value: tuple(_project(item) for item in value),
        "templates": lambda value: tuple(_template(item) for item in value),
        "importTasks": lambda value: tuple(ImportTasks(**item) for item in value),
        "data": lambda value: tuple(Seed(**_frozen(_located(item, folder))) for item in value),
        "settings": Settings.from_wire,
        "server": dict,
    }
    names = {
        "dataSources": "data_sources",
        "dataProjects": "data_projects",
        "importTasks": "import_tasks",
    }
    return {
        names.get(key, key): convert(document[key])
        for key, convert in read.items()
        if key in document
    }


def _frozen(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in item.items()}


def _company(item: str | Mapping[str, str]) -> Company:
    return Company(item) if isinstance(item, str) else Company(**item)


def _project(item: Mapping[str, Any]) -> Project:
    entities = tuple(_project_entity(entity) for entity in item["entities"])
    return Project(**{**item, "entities": entities})


def _project_entity(item: Mapping[str, Any]) -> ProjectEntity:
    parts = {"refresh_type" if key == "refreshType" else key: item[key] for key in item}
    parts["filter"] = {
        name: tuple(wanted) if isinstance(wanted, list) else (wanted,)
        for name, wanted in item.get("filter", {}).items()
    }
    return ProjectEntity(**_frozen(parts))


def _template(item: Mapping[str, Any]) -> Template:
    entities = tuple(TemplateEntity(**entity) for entity in item["entities"])
    parts: dict[str, Any] = {**item, "entities": entities}
    if "validated" in parts:
        try:
            instant = dt.datetime.fromisoformat(str(parts["validated"]))
        except ValueError as error:
            raise ConfigurationError(f"templates: {item['id']}: {error}") from None
        parts["validated"] = instant.replace(tzinfo=instant.tzinfo or dt.UTC)
    return Template(**parts)


def _located(item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`item` with its files found from the environment file's folder."""
    located = dict(item)
    for key in ("metadata", "entityList", "definitions", "package"):
        if key in item:
            located[key] = folder / item[key]
            if not located[key].exists():
                raise ConfigurationError(f"{item[key]}: there is no such file ({located[key]})")
    return located


def _refuse_unbuilt(document: Any) -> None:
    if not isinstance(document, dict):
        raise ConfigurationError("an environment file is a mapping that begins with version: 1")
    if "recurringJobs" in document:
        raise ConfigurationError("$.recurringJobs: recurring jobs are not emulated yet")
    clients = document.get("clients")
    for index, client in enumerate(clients if isinstance(clients, list) else ()):
        if isinstance(client, dict) and "certificate" in client:
            raise ConfigurationError(
                f"$.clients[{index}].certificate: client certificates are not emulated yet;"
                " give a secret"
            )


def _validate(document: Any) -> None:
    import jsonschema  # noqa: PLC0415  only files need it, and it takes 60 ms

    validator = jsonschema.Draft202012Validator(environment_schema())
    problems = [text for error in validator.iter_errors(document) for text in _explain(error)]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise ConfigurationError("; ".join(problems[:3]) + more)


def _explain(error: ValidationError) -> Iterator[str]:
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        for key in error.instance:
            if key not in known:
                hint = did_you_mean(str(key), known)
                yield f"{error.json_path}: {key!r} is no key here{hint}"
    elif error.validator == "oneOf" and isinstance(error.instance, dict):
        needed = [alternative.get("required", []) for alternative in _alternatives(error)]
        ways = " or ".join("+".join(names) for names in needed if names)
        yield f"{error.json_path}: needs exactly one of {ways or 'several forms'}"
    else:
        yield f"{error.json_path}: {error.message}"


def _alternatives(error: ValidationError) -> list[dict[str, Any]]:
    alternatives: Any = error.validator_value
    return list(alternatives)


def _check_names(environment: EnvironmentFile) -> None:
    users = {user.id.casefold() for user in environment.users}
    companies = {company.id.casefold() for company in environment.companies}
    for client in environment.clients:
        if client.user and client.user.casefold() not in users:
            hint = did_you_mean(client.user, (user.id for user in environment.users))
            raise ConfigurationError(f"client {client.id}: no user {client.user!r}{hint}")
    used = [(f"user {user.id}", user.company) for user in environment.users]
    used += [(f"data of {seed.entity or seed.package}", seed.company) for seed in environment.data]
    for where, company in used:
        if company and company.casefold() not in companies:
            hint = did_you_mean(company, (known.id for known in environment.companies))
            raise ConfigurationError(f"{where}: no company {company!r}{hint}")
    for what, names in (
        ("client", [client.id for client in environment.clients]),
        ("user", [user.id for user in environment.users]),
        ("company", [company.id for company in environment.companies]),
        ("data source", [source["name"] for source in environment.data_sources]),
        ("data project", [project.name for project in environment.data_projects]),
        ("template", [template.id for template in environment.templates]),
        ("import task of", [one.entity for one in environment.import_tasks]),
    ):
        doubled = sorted(
            {n for n in names if [m.casefold() for m in names].count(n.casefold()) > 1}
        )
        if doubled:
            raise ConfigurationError(f"{what} {doubled[0]!r} comes twice")
