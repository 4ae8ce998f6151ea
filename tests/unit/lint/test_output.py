"""Findings as SARIF, annotations, JSON and text."""

import json
import re

import pytest

from d365fo_emulator.lint.annotations import annotation_lines
from d365fo_emulator.lint.documents import explanation_lines, finding_document, text_lines
from d365fo_emulator.lint.model import Finding, Place, Severity
from d365fo_emulator.lint.rules import RULES
from d365fo_emulator.lint.sarif import sarif_document

pytestmark = pytest.mark.evidence("documented")

HOSTILE = Finding(
    "ROW003",
    Severity.FAILS,
    Place("a,b:c%.csv", row=7, field="NAME"),
    "100 % of\r\n::error::x \x1b[31m",
    "Shorten it.",
    more=3,
)


def test_an_annotation_is_one_line_and_cannot_begin_another():
    (line,) = annotation_lines("x,y:z%.zip", [HOSTILE])
    assert line == (
        "::error file=x%2Cy%3Az%25.zip,title=ROW003 fails::a,b:c%25.csv row 7 NAME: 100 %25 of"
        "%0D%0A::error::x \x1b[31m (and 3 more)%0AShorten it."
    )


@pytest.mark.parametrize(
    ("severity", "level"), [("E", "error"), ("F", "error"), ("S", "warning"), ("W", "notice")]
)
def test_an_annotation_is_as_grave_as_its_finding(severity, level):
    finding = Finding("PKG006", Severity(severity), Place(), "m", "r")
    assert annotation_lines("p", [finding])[0].startswith(f"::{level} ")


def test_sarif_has_the_members_that_readers_need():
    document = json.loads(json.dumps(sarif_document({"dir/a b.zip": [HOSTILE], "c.zip": []})))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    levels = {"error", "warning", "note"}
    assert {rule["defaultConfiguration"]["level"] for rule in rules} == levels
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "ROW003"
    assert result["level"] == "error"
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "dir/a%20b.zip"
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "a,b:c%.csv row 7 NAME"
    assert result["properties"]["row"] == 7


def test_an_absolute_package_is_a_file_uri(tmp_path):
    document = sarif_document({str(tmp_path / "a.zip"): [HOSTILE]})
    (location,) = document["runs"][0]["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")


def test_a_finding_in_json_has_every_member():
    document = finding_document(HOSTILE)
    assert document["severity"] == "F"
    assert document["word"] == "fails"
    assert (document["row"], document["more"]) == (7, 3)


def test_text_is_by_file_and_shows_each_remedy_once():
    lines = list(text_lines("p.zip", [HOSTILE, HOSTILE]))
    assert lines[0] == "p.zip"
    assert sum("Shorten it." in line for line in lines) == 1
    assert any("and 3 more of ROW003" in line for line in lines)


def test_text_of_a_package_cannot_command_a_terminal():
    assert not re.search(r"[\x00-\x1f\x7f]", "".join(text_lines("p", [HOSTILE])))


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_every_rule_explains_itself(rule):
    lines = explanation_lines(rule)
    assert rule.explanation in lines
    assert rule.evidence in {"documented", "recorded", "client", "inferred"}
    assert rule.remedy.endswith(".")
    assert rule.explanation.endswith((".", "`"))
