"""Writes the reference pages from the tables that drive the code.

python docs/generate.py            writes them
python docs/generate.py --check    exit 1, and their names, when a page differs
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from d365fo_emulator.blob.errors import TABLE as BLOB_ERRORS
from d365fo_emulator.config.loader import reference_markdown
from d365fo_emulator.dmf import errors as dmf_errors
from d365fo_emulator.dmf import signatures
from d365fo_emulator.dmf.states import SUMMARY
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.errors import Failure
from d365fo_emulator.identity.errors import TABLE as TOKEN_ERRORS
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.packages.formats.registry import FORMATS
from d365fo_emulator.scenarios import library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
    rules = [(rule.state, rule.because) for rule in SUMMARY]
    return page(
        "Actions",
        "Actions bound to `/data/DataManagementDefinitionGroups`. What the service has and the"
        " emulator has not\nanswers 501 with its name; what the service does not know gets the"
        " service's own 404. `since` is the\nplatform update that brought an action; the setting"
        " `platformUpdate` hides later ones.",
        table(["action", "parameters", "returns", "since", "built", "evidence"], rows),
        "`ImportTemplateFromPackage` and `ImportTemplateFromPackageIgnoreMissingEntities` on"
        " `DataManagementTemplates`\nare known by name alone and answer 501.",
        "## Refusals\n\nEach comes as `error.innererror.message`, after"
        " `Exception occurred while executing action <Action> on Entity"
        " DataManagementDefinitionGroup: `.",
        table(["text", "evidence"], texts),
        "## The state that an execution ends in\n\nThe first rule that holds counts, unless a"
        " scenario names the state.",
        table(["state", "when"], rules),
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


def catalogue() -> str:
    """Built-in entities."""
    rows = [
        (
            entity.label,
            f"`{entity.name}`",
            f"`{entity.collection}`",
            "company" if entity.per_company else "shared",
            ", ".join(f"`{field.staging_name}`" for field in entity.key_fields),
            len(entity.fields),
        )
        for entity in BuiltinCatalogue().all()
    ]
    formats = ", ".join(f"`{one.name}`" for one in FORMATS)
    return page(
        "Entities and formats",
        f"Source formats: {formats}. Entities that are not here are learnt from the package that"
        " brings them.",
        table(["label", "AOT name", "collection", "rows", "key", "fields"], rows),
    )


def scenarios() -> str:
    """Shipped scenarios."""
    rows = [(f"`{name}`", description) for name, description in library.names()]
    return page(
        "Shipped scenarios",
        "Load one by name: `--scenario NAME`, `emulator.load(NAME)`,"
        " `@pytest.mark.d365fo(scenario=NAME)`.",
        table(["name", "what it does"], rows),
    )


PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": reference_markdown,
    "reference/actions.md": actions,
    "reference/settings.md": settings,
    "reference/token-errors.md": token_errors,
    "reference/blob-errors.md": blob_errors,
    "reference/row-errors.md": row_errors,
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
