"""What lint says of a package is what an import into the emulator does with it."""

from pathlib import Path

import pytest

import lint_cases
from d365fo_emulator.lint.engine import lint_package
from d365fo_emulator.lint.model import Severity
from d365fo_emulator.lint.rules import RULES
from job_tools import Client, Refused

pytestmark = pytest.mark.evidence("inferred")

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "packages"
ENVIRONMENT = {"version": 1, "entities": [*lint_cases.OWN, lint_cases.COMPOSITE, lint_cases.NESTED]}
NO_EXECUTION = "NotFound"
NEVER_ENDS = "Executing"

# Codes whose worst finding the emulator does not share: rules say so in `emulator`, and these.
ALONE = {
    "MAN011": "rows of the entity that is referred to may still come first",
    "MAN012": "a composite entity is imported by rules of its own",
    "MAP005": "rows that are there already are updated",
}
LENIENT = {code for code, rule in RULES.items() if rule.emulator} | ALONE.keys()


@pytest.fixture(scope="module")
def view(d365fo_server):
    yield d365fo_server.create_workspace("lint-agreement", environment=ENVIRONMENT)
    d365fo_server.drop_workspace("lint-agreement")


@pytest.fixture(scope="module")
def client(view):
    config = view.client_config()
    with Client(config | {"resource": view.http_url}, view.http_url) as made:
        yield made


def ends(client, content):
    """How an import ends: `refused`, or the state and whether anything failed."""
    try:
        execution = client.import_package(content, definitionGroupId="Lint")
    except Refused as refused:
        return "refused" if refused.status == 400 else f"answered {refused.status}"
    return client.poll(execution, most=6)[-1]


def check(client, path, options):
    findings = lint_package(path, options)
    counted = [f for f in findings if f.code not in LENIENT]
    worst = min((f.severity.rank for f in counted), default=Severity.FRAGILE.rank)
    end = ends(client, path.read_bytes())
    lenient = {f.code for f in findings} & LENIENT
    said = [f"{f.severity} {f.code}: {f.message}" for f in findings]
    if worst == Severity.REFUSED.rank:
        assert end == "refused", said
    elif worst == Severity.FAILS.rank:
        assert end in {"Failed", "PartiallySucceeded", NEVER_ENDS}, said
    elif not lenient:
        assert end in {"Succeeded", NO_EXECUTION}, said


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.[xz]*")), ids=lambda path: path.name)
def test_of_a_fixture_both_say_the_same(path, client):
    check(client, path, lint_cases.OPTIONS)


@pytest.mark.parametrize("code", sorted(lint_cases.CASES.keys() - {"MAN015"}))
def test_of_a_rules_own_case_both_say_the_same(code, client, tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(lint_cases.CASES[code]())
    check(client, path, lint_cases.OPTIONS)


def test_what_is_not_emulated_is_named_and_answers_501(client, tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(lint_cases.CASES["MAN015"]())
    assert {f.code for f in lint_package(path)} == {"MAN015"}
    with pytest.raises(Refused, match="501"):
        client.import_package(path.read_bytes())


ROWS = ("blank-key", "date", "duplicate-key", "enumeration", "number", "reference", "too-long")


@pytest.mark.parametrize("name", ROWS)
def test_of_a_bad_row_both_say_the_same_in_the_same_words(name, client, view):
    path = FIXTURES / f"broken-{name}.zip"
    execution = client.import_package(path.read_bytes(), definitionGroupId="Rows")
    client.poll(execution)
    errors = view.executions[execution].document["errors"]
    imported = {
        (int(one["recordId"]), " ".join(one["message"].split()))
        for one in errors
        if one["recordId"] not in {"", "0"}
    }
    found = {
        (finding.place.row, finding.message)
        for finding in lint_package(path, lint_cases.OPTIONS)
        if finding.code.startswith("ROW")
    }
    assert imported
    assert found == imported
