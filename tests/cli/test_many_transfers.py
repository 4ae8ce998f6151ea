"""`import` and `export` of several packages, projects and companies, against an emulator."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from d365fo_emulator import Emulator
from d365fo_emulator.admin.connection import VARIABLES
from d365fo_emulator.cli.main import run
from job_tools import ENVIRONMENT, EXPORT_GROUPS
from written_packages import written

pytestmark = pytest.mark.evidence("client")
PACKAGES = Path(__file__).parents[2] / "fixtures" / "packages"
GROUPS = PACKAGES / "customer-groups-csv.zip"
GROUPS_ENTITY = ("Customer groups", "CustCustomerGroupEntity")
CURRENCIES = PACKAGES / "currencies.zip"


@pytest.fixture
def emulator(monkeypatch):
    with Emulator(environment=ENVIRONMENT) as emulator:
        config = emulator.client_config() | {"company": "USMF"}
        for variable, member in VARIABLES.items():
            if member in config:
                monkeypatch.setenv(variable, config[member])
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(variable, raising=False)
        yield emulator


def command(capsys, *arguments):
    code = run([*map(str, arguments), "--interval", "0"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_folder_is_imported_package_by_package(emulator, tmp_path, capsys):
    for path in (GROUPS, CURRENCIES):
        shutil.copy(path, tmp_path)
    code, out, _ = command(capsys, "import", tmp_path)
    assert code == 0
    assert [one.group for one in emulator.executions] == ["currencies", "customer-groups-csv"]
    assert "customer-groups-csv.zip:" in out


def test_a_pattern_is_expanded_and_a_package_is_taken_once(emulator, tmp_path, capsys):
    shutil.copy(GROUPS, tmp_path)
    code, out, _ = command(capsys, "import", tmp_path / "*.zip", tmp_path, "--json")
    assert code == 0
    assert json.loads(out)["definitionGroup"] == "customer-groups-csv"
    assert len(emulator.executions) == 1


def test_every_company_gets_its_rows(emulator, capsys):
    code, _, _ = command(capsys, "import", GROUPS, "--company", "USMF", "--company", "DEMF")
    assert code == 0
    assert [one.company for one in emulator.executions] == ["USMF", "DEMF"]
    for company in ("USMF", "DEMF"):
        assert len(emulator.rows("Customer groups", company=company)) == 4


def test_exports_of_several_companies_go_into_a_folder(emulator, tmp_path, capsys):
    command(capsys, "import", GROUPS, "--company", "USMF", "--company", "DEMF")
    arguments = ("--company", "USMF", "--company", "DEMF", "--output", tmp_path / "out")
    code, _, _ = command(capsys, "export", EXPORT_GROUPS, *arguments)
    assert code == 0
    for company in ("USMF", "DEMF"):
        with zipfile.ZipFile(tmp_path / "out" / f"{EXPORT_GROUPS}-{company}.zip") as archive:
            assert "Customer groups.csv" in archive.namelist()
    code, _, err = command(capsys, "export", EXPORT_GROUPS, *arguments)
    assert code == 2
    assert "is there already" in err


def test_error_files_are_saved_next_to_the_package(emulator, tmp_path, capsys):
    path = tmp_path / "groups.zip"
    path.write_bytes(written(*GROUPS_ENTITY, ["CUSTOMERGROUPID", "DESCRIPTION"], [["", "x"]]))
    code, out, _ = command(capsys, "import", path)
    assert code == 1
    keys = tmp_path / "groups.Customer groups.error-keys.txt"
    assert str(keys) in out
    assert keys.read_text("utf-8-sig").splitlines() == ["CUSTOMERGROUPID", '""']


def test_without_error_files_none_are_saved(emulator, tmp_path, capsys):
    path = tmp_path / "groups.zip"
    path.write_bytes(written(*GROUPS_ENTITY, ["CUSTOMERGROUPID", "DESCRIPTION"], [["", "x"]]))
    code, _, _ = command(capsys, "import", path, "--no-error-files")
    assert code == 1
    assert [one.name for one in tmp_path.iterdir()] == ["groups.zip"]


def test_the_first_package_that_is_refused_ends_the_command(emulator, tmp_path, capsys):
    broken = PACKAGES / "broken-no-header.zip"
    code, out, err = command(capsys, "import", GROUPS, broken, CURRENCIES)
    assert code == 1
    assert "PackageHeader.xml" in err
    assert f"{broken}: failed, and 1 more not begun" in err
    assert [one.group for one in emulator.executions] == ["customer-groups-csv"]
    assert "Succeeded" in out


def test_results_before_a_refusal_are_not_lost_to_readers_of_json(emulator, tmp_path, capsys):
    arguments = (EXPORT_GROUPS, "Nothing", "--output", tmp_path, "--json")
    code, out, err = command(capsys, "export", *arguments)
    assert code == 1
    assert "Nothing: failed, and 0 more not begun" in err
    (done,) = json.loads(out)["executions"]
    assert done["definitionGroup"] == EXPORT_GROUPS


@pytest.mark.parametrize("argument", ["nothing.zip", "*.nothing", "empty"])
def test_what_leads_to_no_package_is_wrong_usage(emulator, tmp_path, monkeypatch, capsys, argument):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, _, err = command(capsys, "import", argument)
    assert code == 2
    assert "there is no" in err


def test_one_project_for_several_packages_is_wrong_usage(emulator, capsys):
    code, _, err = command(capsys, "import", GROUPS, CURRENCIES, "--project", "One")
    assert code == 2
    assert "several packages" in err
    assert not len(emulator.executions)
