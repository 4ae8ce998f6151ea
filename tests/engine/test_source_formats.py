"""Every source data format, in and out, as a client meets it."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.packages.formats.registry import FORMATS
from job_tools import GROUPS, Client
from written_packages import written

COLUMNS = ["CUSTOMERGROUPID", "DESCRIPTION"]
ROWS = [["10", "Größe; 'a' | \"b\": c, d"], ["20", "Zweite"]]
BANK = {
    "name": "Bank CSV",
    "kind": "delimited",
    "delimiter": ";",
    "codePage": 850,
    "header": False,
    "extension": ".dat",
}
ROWS_XML = {"name": "Rows", "kind": "xml", "style": "attribute", "rootElement": "Rows"}


@pytest.fixture
def place(server, request):
    """Makes a workspace: `place(*data_sources, format=..., settings={})` gives (view, client)."""

    def make(*sources, project="CSV", settings=None):
        environment = {
            "version": 1,
            "dataSources": list(sources),
            "dataProjects": [
                {
                    "name": "Out",
                    "operation": "Export",
                    "entities": [{"entity": GROUPS, "format": project}],
                }
            ],
            "settings": settings or {},
        }
        view = server.create_workspace(environment=environment)
        request.addfinalizer(lambda: server.drop_workspace(view.id))
        client = Client(view.client_config(), base=server.http_url)
        request.addfinalizer(client.__exit__)
        return view, client

    return make


def groups(view):
    return {key: row["Description"] for key, row in view.rows(GROUPS, company="USMF").items()}


def exported(client):
    execution = client.export(definitionGroupId="Out")
    assert client.poll(execution)[-1] == "Succeeded"
    package = client.exported(execution)
    with zipfile.ZipFile(BytesIO(package)) as archive:
        (file,) = set(archive.namelist()) - {"Manifest.xml", "PackageHeader.xml"}
        return package, file, archive.read(file)


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("name", [one.name for one in FORMATS])
def test_a_package_of_each_format_goes_in_and_its_export_goes_in_again(place, name):
    view, client = place(project=name)
    package = written(GROUPS, "CustCustomerGroupEntity", COLUMNS, ROWS, name)
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert groups(view) == dict(ROWS)
    package, file, _content = exported(client)
    assert file.startswith(GROUPS)
    other, client = place(project=name)
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert groups(other) == dict(ROWS)


@pytest.mark.evidence("inferred")
def test_a_data_source_of_the_environment_is_read_and_written(place):
    _view, client = place(BANK, ROWS_XML, project="bank csv")
    package = written(GROUPS, "CustCustomerGroupEntity", COLUMNS, ROWS, "CSV")
    client.poll(client.import_package(package))
    package, file, content = exported(client)
    assert file == f"{GROUPS}.dat"
    head, _, rest = content.partition(b"\r\n")
    assert head.startswith(b"10;") or b"Gr\x94\xe1e" in head
    assert b"CUSTOMERGROUPID" not in content
    assert rest
    other, client = place(BANK)
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert groups(other) == dict(ROWS)


@pytest.mark.evidence("documented")
def test_rows_of_xml_are_named_in_pascal_case_with_the_setting(place):
    _view, client = place(ROWS_XML, project="Rows", settings={"xmlRowNames": "pascal"})
    package = written(GROUPS, "CustCustomerGroupEntity", COLUMNS, ROWS, "CSV")
    client.poll(client.import_package(package))
    assert b"<Rows><CustCustomerGroupEntity CUSTOMERGROUPID=" in exported(client)[2]


@pytest.mark.evidence("inferred")
def test_a_data_source_that_cannot_be_is_refused_with_the_environment(server):
    wrong = {**BANK, "codePage": 4711}
    with pytest.raises(ConfigurationError, match="dataSources: Bank CSV: there is no code page"):
        server.create_workspace(environment={"version": 1, "dataSources": [wrong]})
