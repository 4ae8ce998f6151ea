"""Of real packages, where they are at hand, lint says what is true of them and nothing else."""

from __future__ import annotations

import collections
import json
import os
from pathlib import Path

import pytest

from d365fo_emulator.lint.engine import lint_package
from d365fo_emulator.lint.model import Severity

FOLDER = Path(
    os.environ.get(
        "D365FO_EMULATOR_REAL_PACKAGES",
        Path(__file__).resolve().parents[2].parent / "shared" / "packages",
    )
)
EXPECTED = FOLDER / "expected.json"
KNOWN = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.is_file() else {}
AT_HAND = [name for name in KNOWN if (FOLDER / name).is_file()]

pytestmark = [
    pytest.mark.evidence("recorded"),
    pytest.mark.skipif(not AT_HAND, reason="no real packages are at hand"),
]


@pytest.mark.parametrize("name", AT_HAND)
def test_findings_of_a_real_package_are_what_was_counted_in_it(name):
    entities = KNOWN[name]["entities"]
    findings = lint_package(FOLDER / name)
    counted = collections.Counter()
    for finding in findings:
        counted[finding.code] += 1 + finding.more
    unmapped = {column for one in entities for column in one.get("columns_without_map") or ()}
    missing = [one for one in entities if not one.get("present", True)]
    assert {f.place.field for f in findings if f.code == "MAP002"} == unmapped
    assert counted["PKG004"] == len(missing)
    # Of what the product itself has written nothing else is more than a hint.
    grave = {f.code for f in findings if f.severity is not Severity.FRAGILE}
    assert grave <= {"PKG004", "MAP002"}
    assert counted.keys() <= {"PKG004", "MAP002", "MAN017", "MAP010", "MAP004", "MAN011"}
