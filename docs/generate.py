"""Writes the reference pages from the tables that drive the code.

python docs/generate.py            writes them
python docs/generate.py --check    exit 1, and their names, when a page differs
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import format_page
import set_page
import wire_page

from d365fo_emulator.admin.errors import PROBLEMS
from d365fo_emulator.admin.routes import PREFIX, ROUTES
from d365fo_emulator.admin.routes import UNBUILT as ADMIN_UNBUILT
from d365fo_emulator.blob.errors import TABLE as BLOB_ERRORS
from d365fo_emulator.cli.examples import example_line
from d365fo_emulator.cli.main import UNBUILT, cli
from d365fo_emulator.config.environment import environment_schema
from d365fo_emulator.config.loader import reference_markdown
from d365fo_emulator.dmf import documents, signatures
from d365fo_emulator.dmf import errors as dmf_errors
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.errors import Failure
from d365fo_emulator.entities.ordering import order_of
from d365fo_emulator.identity.errors import TABLE as TOKEN_ERRORS
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.lint.documents import explanation_lines
from d365fo_emulator.lint.model import Severity
from d365fo_emulator.lint.rules import FAMILIES, RULES
from d365fo_emulator.packages.formats.registry import FORMATS
from d365fo_emulator.scenarios import library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from d365fo_emulator.entities.model import EntityType

HERE = Path(__file__).resolve().parent
MADE = "<!-- Made by docs/generate.py from the tables of the code; a test compares. -->"


def page(title: str, introduction: str, *parts: str) -> str:
    """One page."""
    return "\n\n".join([f"# {title}", MADE, introduction, *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells keep to one line."""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    """Text that cannot break a table."""
    return str(value).replace("\r\n", " ").replace("\n", " ").replace("|", "\\|")


def actions() -> str:
    """Every action of the service, built or not."""
    rows = [
        (
            f"`{action.name}`",
            ", ".join(f"`{p.name}` {p.type.removeprefix('Edm.')}" for p in action.parameters)
            or "none",
            f"`{action.returns}`" if action.returns else "nothing (204)",
            action.since,
            "yes" if action.built else "501",
            action.evidence,
        )
        for action in signatures.ACTIONS
    ]
    texts = [(f"`{text}`", evidence) for text, evidence in dmf_errors.TEXTS.values()]
    return page(
        "Actions",
        "Actions bound to `/data/DataManagementDefinitionGroups`. What the service has and the"
        " emulator has not\nanswers 501 with its name; what the service does not know gets the"
        " service's own 404. `since` is the\nplatform update that brought an action; the setting"
        " `platformUpdate` hides later ones.",
        table(["action", "parameters", "returns", "since", "built", "evidence"], rows),
        "`ImportTemplateFromPackage` and `ImportTemplateFromPackageIgnoreMissingEntities` on"
        " `DataManagementTemplates`\nare known by name alone and answer 501.",
        "## What is inferred\n\nWhere nobody has documented or recorded what an action answers, the"
        " emulator does the likeliest.",
        table(["action", "what"], [(f"`{n}`", text) for n, text in signatures.INFERRED.items()]),
        "## Refusals\n\nEach comes as `error.innererror.message`, after"
        " `Exception occurred while executing action <Action> on Entity"
        " DataManagementDefinitionGroup: `.",
        table(["text", "evidence"], texts),
        "What state an execution ends in: [how executions end](execution-states.md).",
    )


def settings() -> str:
    """The imitated service's variations."""
    rows = [
        (
            f"`{field.metadata['wire']}`",
            f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`",
            ", ".join(f"`{option}`" for option in field.metadata["options"]) or "any",
            field.metadata["help"],
            field.metadata["evidence"],
        )
        for field in dataclasses.fields(Settings)
    ]
    return page(
        "Settings of the imitated service",
        "Keys below `settings` in the environment file: where the real service differs between"
        " releases, or\nwhere nobody knows what it does. `evidence` says what the default rests"
        " on.",
        table(["setting", "default", "values", "what it does", "evidence"], rows),
    )


def token_errors() -> str:
    """AADSTS codes."""
    rows = [
        (f"AADSTS{row.code}", row.status, f"`{row.error}`", row.text, row.evidence)
        for row in TOKEN_ERRORS.values()
    ]
    return page(
        "Errors of the token service",
        "Status, `error` and text as the real service gives them. Rows of grants that are not"
        " built are in the\ntable for later.",
        table(["code", "status", "error", "text", "evidence"], rows),
    )


def blob_errors() -> str:
    """Codes of the storage dialect."""
    rows = [
        (f"`{code}`", row.status, row.message, row.evidence) for code, row in BLOB_ERRORS.items()
    ]
    return page(
        "Errors of the blob service",
        "The code stands in the body and in `x-ms-error-code`.",
        table(["code", "status", "message", "evidence"], rows),
    )


def row_errors() -> str:
    """Texts of failed rows and entities."""
    rows = [(failure.value.form, failure.stage, failure.value.evidence) for failure in Failure]
    return page(
        "Failed rows",
        "What can be wrong with a value. A failure at `staging` fails the whole entity, as the"
        " product's bulk load\ndoes; one at `target` fails its row alone.",
        table(["text", "stage", "evidence"], rows),
    )


def lint_rules() -> str:
    """Every rule of `lint`."""
    parts = []
    for letters, (heading, rules) in FAMILIES.items():
        rows = [
            (
                f"[{r.code}](#{r.code.lower()})",
                r.severity.value,
                r.title,
                "yes" if r.fixable else "",
            )
            for r in rules
        ]
        parts += [
            f"## {letters}: {heading}",
            table(["rule", "severity", "what is wrong", "`--fix`"], rows),
        ]
    parts.append("## The rules one by one")
    for rule in RULES.values():
        title, *lines = explanation_lines(rule)
        parts += [f"### {rule.code}", f"**{title.partition(': ')[2]}**", "\n".join(lines)]
    severities = [(one.value, one.word, one.meaning) for one in Severity]
    return page(
        "Rules of lint",
        "What [`d365fo-emulator lint`](../lint.md) looks for in a data package. A finding may be"
        " less grave than its rule;\nthe text then says when.",
        table(["severity", "word", "what the service does"], severities),
        *parts,
    )


def catalogue() -> str:
    """Built-in entities."""
    builtin = BuiltinCatalogue()
    rows = [
        (
            entity.label,
            f"`{entity.name}`",
            f"`{entity.collection}`",
            "company" if entity.per_company else "shared",
            ", ".join(f"`{field.staging_name}`" for field in entity.key_fields),
            len(entity.fields),
            order_text(entity, builtin),
            entity.evidence.replace(" inferred", ""),
        )
        for entity in builtin.all()
    ]
    formats = ", ".join(f"`{one.name}`" for one in FORMATS)
    return page(
        "Entities and formats",
        f"Source formats: {formats}. Entities that are not here are learnt from the package that"
        " brings them.",
        "`order` is unit/level/sequence: as a real project has it, else, in brackets, as the"
        " references ask for. The last\ncolumn names what nobody has verified; sizes of texts are"
        " inferred throughout. `d365fo-emulator catalogue show ENTITY`\nhas the fields.",
        table(
            [
                "label",
                "AOT name",
                "collection",
                "rows",
                "key",
                "fields",
                "order",
                "inferred",
            ],
            rows,
        ),
    )


def order_text(entity: EntityType, builtin: BuiltinCatalogue) -> str:
    """Where a project runs an entity; a derived place stands in brackets."""
    order = order_of(entity, builtin.find)
    text = f"{order.unit}/{order.level}/{order.sequence}"
    return text if entity.order else f"({text})"


def scenarios() -> str:
    """Shipped scenarios."""
    rows = [(f"`{name}`", description) for name, description in library.names()]
    return page(
        "Shipped scenarios",
        "Load one by name: `--scenario NAME`, `emulator.load(NAME)`,"
        " `@pytest.mark.d365fo(scenario=NAME)`.",
        table(["name", "what it does"], rows),
    )


def command() -> str:
    """Every verb of the command, from its own help."""
    context = click.Context(cli, info_name="d365fo-emulator")
    parts = []
    for name in cli.list_commands(context):
        if name in UNBUILT:
            continue
        verb = cli.get_command(context, name)
        assert verb is not None  # noqa: S101  it was listed
        parts += verb_parts(verb, name, context)
    unbuilt = [(f"`{name}`", text) for name, text in UNBUILT.items()]
    return page(
        "The command",
        "`d365fo-emulator VERB`, also `python -m d365fo_emulator VERB` and, from a checkout,"
        " `python emulator VERB`.\nExit codes: 0 ok; 1 what was asked about is false or failed; 2"
        " wrong usage or configuration; 3 the emulator\ncould not be reached. Tables are for"
        " terminals: piped, a row is one line with tabs.",
        *parts,
        "## Not built yet\n\nThese, `journal tail`, `journal export`, `scenario new` and"
        " `tls create` end with 2 and say so.",
        table(["verb", "what it is to do"], unbuilt),
    )


def verb_parts(verb: click.Command, words: str, parent: click.Context) -> list[str]:
    """The section of a verb, and of each below it; none for one that is not built."""
    context = click.Context(verb, info_name=words, parent=parent)
    text = inspect.cleandoc(verb.help or "")
    if "Not built yet" in text:
        return []
    usage = f"d365fo-emulator {words} {' '.join(verb.collect_usage_pieces(context))}"
    parts = [f"## `{words}`", text, f"```text\n{usage}\n```"]
    options = [
        (
            ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts)),
            " ".join((option.get_help_record(context) or ("", ""))[1].split()),
        )
        for option in verb.get_params(context)
        if isinstance(option, click.Option) and "--help" not in option.opts
    ]
    if options:
        parts.append(table(["option", "what it does"], options))
    if line := example_line(words):
        parts.append(f"```sh\n{line}\n```")
    if isinstance(verb, click.Group):
        for name, below in verb.commands.items():
            parts += verb_parts(below, f"{words} {name}", parent)
    return parts


def admin_api() -> str:
    """Every route of the admin API."""
    rows = [
        (
            f"`{route.method} {route.path}`",
            route.summary,
            ", ".join(f"`{name}`" for name in route.query_names),
            {"json": "JSON object", "text": "YAML or JSON"}.get(route.body or "", ""),
            "all" if route.is_open else "this machine, or the token",
        )
        for route in ROUTES
    ]
    unbuilt = [(f"`{method} {path}`", what) for (method, path), what in ADMIN_UNBUILT.items()]
    kinds = {(kind.status, kind.slug, kind.title) for kind in PROBLEMS.values()}
    problems = [(status, f"`{slug}`", title) for status, slug, title in sorted(kinds)]
    return page(
        "Admin API",
        f"Below `{PREFIX}`, on the same ports. It answers this machine without more, others with"
        " the admin token\n(`--admin-token`, sent as a bearer). Looking changes nothing and spends"
        f" no poll. `GET {PREFIX}/openapi.json`\nhas the same as OpenAPI 3.1. `workspace` is"
        " `default` unless told.",
        table(["route", "what it does", "query", "body", "open to"], rows),
        "```sh\ncurl -s -X POST http://localhost:8365/_emulator/v1/clock/advance"
        """ -d '{"by": "61m"}'\n```""",
        "## The execution document\n\n`GET /executions/{execution}`, `executions show --json` and"
        " the fixture's `document` give it.",
        table(["member", "what it says"], _members(documents.MEMBERS)),
        "Each of `entities`:",
        table(["member", "what it says"], _members(documents.ENTITY_MEMBERS)),
        "## Errors\n\n`application/problem+json` with `type` (`urn:d365fo-emulator:problem:` and"
        " the word below), `title`, `status`,\n`detail`, and for scenarios `problems` with line"
        " and column.",
        table(["status", "type", "title"], problems),
        "## Planned\n\nEach answers 501 and names what is missing, and so does the console"
        " at `/_emulator/`.",
        table(["route", "what is missing"], unbuilt),
    )


def _members(members: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"`{name}`", text) for name, text in members.items()]


def environment() -> str:
    """The keys of the environment file, from its schema, and a worked example."""
    example = (HERE / "examples" / "environment.yaml").read_text("utf-8").rstrip()
    return page(
        "The environment file",
        "What the emulator imitates: `serve --environment FILE`, `Emulator(environment=…)`,"
        " `@pytest.mark.d365fo(environment=…)`,\nor `POST /workspaces`. YAML or JSON; an unknown"
        " key is refused with the nearest one. `d365fo-emulator env --schema`\nprints the JSON"
        " Schema. What a file leaves out has the well-known values; one with `data` or"
        " `dataProjects` has those\nalone. Paths count from the file's folder.",
        f"```yaml\n{example}\n```",
        "## Keys",
        table(["key", "type", "", "what it is"], schema_rows(environment_schema())),
        'Of an entity in an export project, `filter: {CustomerGroupId: ["10", "20"]}` takes the'
        " rows that have one of these values in that field, letter case aside; `refreshType:"
        " IncrementalPush` those that changed since the last finished export.",
        "`settings` takes the keys of [this page](reference/settings.md), `server` those of"
        " [configuration](configuration.md).\n`recurringJobs` and `clients[].certificate` are"
        " planned, and refused by name.",
    )


ENVIRONMENT_TEXTS = {
    "version": "the version of the form",
    "tenant": "the tenant of the token service",
    "clients": "applications that may sign in",
    "users": "users that applications map to; `company` is the default of calls",
    "companies": "legal entities: a code, or code and name",
    "resources": "further audiences that tokens may be asked for",
    "entities": "beyond the catalogue: a definition, a `$metadata` document, or a package to learn",
    "dataSources": "source data formats beside the stock ones, or in their place",
    "templates": "templates of data projects, as clients read them over OData",
    "dataProjects": "data projects that are there from the beginning",
    "data": "rows to begin with: by staging name, or of a package",
}


def schema_rows(
    schema: Mapping[str, Any], prefix: str = "", root: Mapping[str, Any] | None = None
) -> list[tuple[str, str, str, str]]:
    """Each key below a schema: path, type, whether it is required, description."""
    root = root or schema
    found = []
    for name, raw in schema.get("properties", {}).items():
        below = resolved(raw, root)
        items = resolved(below.get("items", {}), root)
        kind = below.get("type") or ("one of" if {"enum", "oneOf"} & below.keys() else "")
        values = ", ".join(f"`{value}`" for value in below.get("enum", ()))
        text = ENVIRONMENT_TEXTS.get(prefix + name) or {**below, **raw}.get("description", "")
        required = "required" if name in schema.get("required", ()) else ""
        found.append((f"`{prefix}{name}`", kind or "number", required, values or text))
        inner = f"{prefix}{name}[]." if items else f"{prefix}{name}."
        shape = mapping_of(items or below)
        if shape is not schema:  # what holds itself (parts of composites) is shown once
            found += schema_rows(shape, inner, root)
    return found


def mapping_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a schema with alternatives, the one that is a mapping."""
    return next((one for one in schema.get("oneOf", ()) if "properties" in one), schema)


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema in place of a reference to it."""
    if "$ref" not in schema:
        return schema
    target: Any = root
    for part in schema["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return dict(target)


def on_the_wire() -> str:
    """Requests and answers."""
    return page(
        "Actions on the wire",
        "One request that each action takes and one that it refuses, with the whole answer: these"
        " exchanges are\nreplayed by the tests. What varies stands in angle brackets; headers of"
        " answers are in\n`fixtures/exchanges/header-sets.yaml`. In brackets after the name: what"
        " the exchange rests on.",
        *wire_page.parts(),
    )


def sets() -> str:
    """Every entity set, its properties, and the texts of refusals."""
    sections = [
        f"## {name}\n\n{table(['property', 'type'], rows)}"
        for name, rows in set_page.property_sections()
    ]
    return page(
        "Entity sets",
        "`GET` of a set takes `$filter`, `$select`, `$orderby`, `$top`, `$skip`, `$count`, and"
        " `/$count` after its name;\n`cross-company` is ignored. A row is addressed by its key:"
        " `('x')`, or `(Name='x',Other='y')` in any order.\nLetter case of texts does not count,"
        " and `*` in a text that is compared stands for anything. Pages\nhave `pageSize` rows;"
        " `@odata.nextLink` leads to the next.",
        table(["set", "key", "can be"], set_page.set_rows()),
        *sections,
        "## Enumerations",
        table(["enumeration", "members"], set_page.enumeration_rows()),
        "## Refusals",
        "In `innererror.message`. Rows: after `Write failed for table row of type …`, with status"
        " 400. Queries: the\nwords of the vendor's own OData library; no answer of the real"
        " service is recorded.",
        table(["text", "evidence"], set_page.refusal_rows()),
    )


def formats() -> str:
    """Every source data format of a stock environment."""
    return page(
        "Source data formats",
        "Names in manifests are matched without letter case and blanks. Each is read and written."
        " Formats of your own\nstand in the environment file (`dataSources`).",
        table(["format", "files", "what it is"], format_page.format_rows()),
    )


def execution_states() -> str:
    """How the entities of an execution add up, as a table and as a diagram made from it."""
    return page(
        "How executions end",
        "An execution goes from `NotRun` through `Executing` to the state of the first rule that"
        " holds, unless a\nscenario names the state.",
        table(["rule", "when", "state", "reason that is told"], format_page.state_rows()),
        format_page.state_diagram(),
    )


PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": reference_markdown,
    "command.md": command,
    "admin-api.md": admin_api,
    "environment.md": environment,
    "reference/actions.md": actions,
    "reference/execution-states.md": execution_states,
    "reference/formats.md": formats,
    "reference/on-the-wire.md": on_the_wire,
    "reference/sets.md": sets,
    "reference/settings.md": settings,
    "reference/token-errors.md": token_errors,
    "reference/blob-errors.md": blob_errors,
    "reference/row-errors.md": row_errors,
    "reference/lint-rules.md": lint_rules,
    "reference/entities.md": catalogue,
    "reference/scenarios.md": scenarios,
}


def main() -> int:
    """Writes or checks the pages."""
    different = []
    for name, make in PAGES.items():
        path, text = HERE / name, make()
        if not path.exists() or path.read_text("utf-8") != text:
            different.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, "utf-8", newline="\n")
    print("\n".join(different) or "all pages are as the code has them")
    return int("--check" in sys.argv and bool(different))


if __name__ == "__main__":
    sys.exit(main())
