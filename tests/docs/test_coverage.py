"""Everything that a user can name has its documentation."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from d365fo_emulator import pytest_plugin
from d365fo_emulator.admin.connection import LIBRARY_VARIABLES, VARIABLES
from d365fo_emulator.admin.routes import ROUTES
from d365fo_emulator.admin.routes import UNBUILT as UNBUILT_ROUTES
from d365fo_emulator.cli.examples import EXAMPLES
from d365fo_emulator.cli.main import UNBUILT, VERBS, cli
from d365fo_emulator.config.environment import environment_schema
from d365fo_emulator.config.model import settings
from d365fo_emulator.dmf.signatures import ACTIONS
from d365fo_emulator.emulator.view import WorkspaceView
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.lint.rules import RULES
from d365fo_emulator.packages.formats.registry import STANDARD
from d365fo_emulator.scenarios import library
from d365fo_emulator.scenarios.loader import schema_text
from job_tools import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.evidence("documented")
ROOT = Path(__file__).resolve().parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def verbs(command: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
    """Built verbs with their words, those below them included."""
    if "Not built yet" in (command.help or ""):
        return
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        yield from verbs(below, f"{words} {name}")


def built_verbs() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    found = [(name, cli.get_command(context, name)) for name in VERBS]
    return [pair for name, verb in found if verb for pair in verbs(verb, name)]


def property_names(schema: Any) -> Iterator[str]:
    """Every key that a schema knows, at any depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from property_names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from property_names(value)


def missing(names: Any, page: str) -> list[str]:
    written = text(page)
    return sorted({name for name in names if name not in written})


def test_every_action_is_on_its_page():
    assert not missing((f"`{action.name}`" for action in ACTIONS), "docs/reference/actions.md")


def test_every_setting_of_the_imitated_service_is_on_its_page():
    names = [f"`{field.metadata['wire']}`" for field in dataclasses.fields(Settings)]
    assert not missing(names, "docs/reference/settings.md")


def test_every_setting_of_the_imitated_service_is_changed_by_a_test():
    own = Path(__file__)
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != own]
    written = "".join(path.read_text("utf-8") for path in tests)
    wires = [field.metadata["wire"] for field in dataclasses.fields(Settings)]
    assert not [wire for wire in wires if not re.search(rf"\b{wire}\b", written)]


def test_every_setting_of_the_emulator_is_on_its_page_by_flag_and_variable():
    names = [f"`{setting.variable}`" for setting in settings()]
    assert not missing(names, "docs/configuration.md")
    assert not missing((setting.flag for setting in settings()), "docs/command.md")


def test_every_key_of_a_scenario_is_on_the_page_of_scenarios():
    assert not missing(property_names(json.loads(schema_text())), "docs/scenarios.md")


def test_every_shipped_scenario_is_on_its_page():
    names = (f"`{name}`" for name, _ in library.names())
    assert not missing(names, "docs/reference/scenarios.md")


def test_every_key_of_the_environment_file_is_on_its_page():
    assert not missing(property_names(environment_schema()), "docs/environment.md")


def test_every_verb_has_a_section_its_options_and_an_example():
    assert not missing((f"## `{words}`\n" for words, _ in built_verbs()), "docs/command.md")
    for words, verb in built_verbs():
        assert words in EXAMPLES
        assert verb.epilog
        flags = [flag for option in verb.params for flag in option.opts if flag.startswith("--")]
        assert not missing((f"`{flag}`" for flag in flags), "docs/command.md")
    assert not missing((f"`{name}`" for name in UNBUILT), "docs/command.md")


def test_every_option_says_what_it_is_for():
    silent = [
        (words, option.name)
        for words, verb in built_verbs()
        for option in verb.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert not silent


def test_every_admin_route_is_on_its_page():
    names = [f"`{route.method} {route.path}`" for route in ROUTES]
    names += [f"`{method} {path}`" for method, path in UNBUILT_ROUTES]
    assert not missing(names, "docs/admin-api.md")


def test_every_member_of_the_fixture_and_every_option_of_the_plugin_is_on_its_page():
    members = {name for name in vars(WorkspaceView) if not name.startswith("_")}
    members -= {"of", "parts"}  # for the emulator itself
    options = [*pytest_plugin.UNBUILT_OPTIONS, *pytest_plugin.MARKER_ARGUMENTS]
    options += [pytest_plugin.LIBRARY_SETTING, "d365fo_server", "d365fo", "d365fo_env"]
    assert not missing([*members, *options], "docs/fixture.md")


def test_every_variable_that_clients_are_given_is_on_a_page():
    assert not missing([*VARIABLES, *LIBRARY_VARIABLES], "docs/fixture.md")


def test_every_page_of_the_documentation_is_linked_from_the_readme():
    pages = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert not missing((f"({page})" for page in pages), "README.md")


@pytest.mark.parametrize("action", [action.name for action in ACTIONS])
def test_every_action_has_exchanges_that_are_replayed_and_shown(action):
    path = f"Microsoft.Dynamics.DataEntities.{action}\n"
    files = (ROOT / "fixtures/exchanges").glob("*.yaml")
    assert any(path in file.read_text("utf-8") for file in files)
    assert f"## `{action}`\n" in text("docs/reference/on-the-wire.md")
    assert path in text("docs/reference/on-the-wire.md")


def test_every_rule_of_lint_is_on_its_page():
    assert not missing(
        (f"[{code}](#{code.lower()})" for code in RULES), "docs/reference/lint-rules.md"
    )


def test_every_source_format_is_on_its_page():
    assert not missing((f"`{name}`" for name in STANDARD.names), "docs/reference/formats.md")


def test_every_entity_set_is_in_the_service_document_the_schema_and_on_its_page(d365fo):
    with Client(d365fo.client_config()) as client:
        headers = {"Authorization": f"Bearer {client.token}"}
        service = client.session.get(f"{client.base}/data", headers=headers).json()["value"]
        schema = client.session.get(f"{client.base}/data/$metadata", headers=headers).text
        listed = {row["name"] for row in service}
        assert listed == set(re.findall('<EntitySet Name="(.*?)"', schema))
        for name in sorted(listed):
            answer = client.session.get(f"{client.base}/data/{name}?$top=0", headers=headers)
            assert answer.status_code == 200, name
            assert answer.json()["@odata.context"].endswith(f"$metadata#{name}")
    assert not missing((f"`{name}`" for name in listed), "docs/reference/sets.md")
