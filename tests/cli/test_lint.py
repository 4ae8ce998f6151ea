"""The verb `lint`: what it prints, what it ends with, what it refuses."""

import json
import os
import subprocess
import sys

import pytest

import lint_cases
from d365fo_emulator.cli.main import run
from d365fo_emulator.lint.rules import RULES
from lint_cases import CASES, package

pytestmark = pytest.mark.evidence("documented")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a package of each severity, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    for name, code in {"e": "PKG002", "f": "ROW001", "s": "CSV002", "w": "PKG006"}.items():
        (tmp_path / f"{name}.zip").write_bytes(CASES[code]())
    (tmp_path / "good.zip").write_bytes(package())
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("good.zip", 0),
        ("w.zip", 0),
        ("s.zip", 0),
        ("f.zip", 1),
        ("e.zip", 1),
        ("good.zip f.zip", 1),
        ("f.zip --fail-on E", 0),
        ("s.zip --fail-on S", 1),
        ("w.zip --fail-on W", 1),
        ("e.zip --fail-on never", 0),
        ("f.zip --ignore ROW001", 0),
        ("f.zip --ignore row,csv", 0),
        ("f.zip --select CSV", 0),
        ("f.zip --select ROW,PKG", 1),
        (".", 1),
        ("*.zip", 1),
        ("[gw]*.zip", 0),
        ("none.zip", 2),
        ("none-*.zip", 2),
        ("", 2),
        ("f.zip --select XYZ", 2),
        ("f.zip --in-place", 2),
        ("--explain ROW001", 0),
        ("--explain ROW999", 2),
        ("--list", 0),
        ("good.zip --environment none.yaml", 2),
        ("good.zip --fail-on X", 2),
    ],
)
def test_the_exit_code_says_how_bad_it_is(arguments, code, folder, capsys):
    assert run(["lint", *arguments.split()]) == code
    printed = capsys.readouterr()
    assert printed.out or printed.err


def test_an_empty_folder_is_unusable(tmp_path, capsys):
    assert run(["lint", str(tmp_path)]) == 2
    assert "there is no package" in capsys.readouterr().err


def test_a_folder_is_searched_with_those_below_it(folder, capsys):
    (folder / "below").mkdir()
    (folder / "good.zip").rename(folder / "below" / "other.zip")
    assert run(["lint", "below"]) == 0
    assert "1 package checked, no findings" in capsys.readouterr().out


def test_text_names_file_severity_code_place_and_remedy(folder, capsys):
    run(["lint", "f.zip"])
    out = capsys.readouterr().out
    assert "f.zip" in out
    assert "fails   ROW001  row 3" in out
    assert RULES["ROW001"].remedy in out


def test_json_is_by_package(folder, capsys):
    run(["lint", "f.zip", "good.zip", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert [one["package"] for one in document["packages"]] == ["f.zip", "good.zip"]
    assert document["packages"][0]["findings"][0]["code"] == "ROW001"
    assert document["packages"][1]["findings"] == []


def test_sarif_is_one_run(folder, capsys):
    run(["lint", ".", "--format", "sarif"])
    document = json.loads(capsys.readouterr().out)
    found = {result["ruleId"] for result in document["runs"][0]["results"]}
    assert {"PKG002", "ROW001", "CSV002", "PKG006"} <= found


def test_github_gets_commands_alone(folder, capsys):
    run(["lint", ".", "--format", "github"])
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)


def test_the_list_has_every_rule(capsys):
    run(["lint", "--list"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(RULES)


def test_a_fix_goes_beside_the_package_and_is_said(folder, capsys):
    (folder / "long.zip").write_bytes(CASES["MAN009"]())
    before = (folder / "long.zip").read_bytes()
    assert run(["lint", "long.zip", "--fix"]) == 0
    printed = capsys.readouterr()
    assert "fixed MAN009: Manifest.xml: Description is cut to 60 characters" in printed.err
    assert (folder / "long.zip").read_bytes() == before
    assert "no findings" in printed.out
    assert run(["lint", "long.fixed.zip"]) == 0


def test_a_fix_in_place_replaces_the_package(folder, capsys):
    assert run(["lint", "e.zip", "--fix", "--in-place"]) == 0
    assert run(["lint", "e.zip"]) == 0
    assert not (folder / "e.fixed.zip").exists()


def test_mended_packages_of_a_folder_are_not_mended_again(folder, capsys):
    run(["lint", ".", "--fix"])
    run(["lint", ".", "--fix"])
    assert sorted(one.name for one in folder.glob("*fixed*")) == ["e.fixed.zip"]


ENVIRONMENT = """
version: 1
companies: [USMF]
settings: {unknownEntities: refuse}
entities:
  - name: Moons
    type: MoonEntity
    collection: Moons
    fields: [{name: Name, size: 3}]
dataSources:
  - {name: PIPED, kind: delimited, delimiter: "|"}
"""


def test_the_environment_says_what_there_is(folder, capsys):
    (folder / "environment.yaml").write_text(ENVIRONMENT)
    moons = lint_cases.Table("Moons", ("NAME",), (("Callisto",),))
    (folder / "moons.zip").write_bytes(package(moons))
    assert run(["lint", "moons.zip"]) == 0
    capsys.readouterr()
    assert run(["lint", "moons.zip", "--environment", "environment.yaml"]) == 1
    assert "ROW003" in capsys.readouterr().out


def test_a_company_that_the_environment_lacks_is_refused(folder, capsys):
    (folder / "environment.yaml").write_text(ENVIRONMENT)
    arguments = ["--environment", "environment.yaml", "--company", "DEMF"]
    assert run(["lint", "good.zip", *arguments]) == 2
    assert "DEMF" in capsys.readouterr().err


def test_help_does_not_load_the_checks():
    code = (
        "import sys; from d365fo_emulator.cli.main import run; run(['lint', '--help']);"
        "print([m for m in sys.modules if m.startswith(('d365fo_emulator.lint', 'openpyxl'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_an_output_that_cannot_hold_everything_gets_the_rest(encoding, folder):
    done = subprocess.run(
        [sys.executable, "-m", "d365fo_emulator", "lint", "f.zip"],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"ROW001" in done.stdout
