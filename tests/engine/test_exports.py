"""What exports write: which fields and rows, in which order, under which names, in which bytes."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree as ET

import pytest

from builders import CUSTOMER_GROUPS, NAMESPACE, Table, package
from job_tools import GROUPS, rows_of

NS = {"m": NAMESPACE}
CUSTOMERS = "Customers V3"
PROJECT = "Export"


@pytest.fixture
def exporting(job_of):
    """Makes a workspace with one export project: `exporting(*entities, rows=..., settings=...)`."""

    def make(*entities, data=(), settings=None, **options):
        environment = {
            "version": 1,
            "settings": settings or {},
            "data": list(data),
            "dataProjects": [{"name": PROJECT, "operation": "Export", "entities": list(entities)}],
        }
        return job_of(environment, **options)

    make.of = job_of
    return make


def groups(**more):
    return {"entity": GROUPS, "format": "CSV", **more}


def seed(entity, *rows, company="USMF"):
    return {"entity": entity, "company": company, "rows": list(rows)}


def three(company="USMF"):
    rows = [
        {"CustomerGroupId": name, "Description": f"About {name}"} for name in ("b10", "A30", "C20")
    ]
    return seed(GROUPS, *rows, company=company)


def export(client, **changes):
    execution = client.export(definitionGroupId=PROJECT, **changes)
    client.poll(execution)
    return execution


def exported(client, **changes):
    return client.exported(export(client, **changes))


def file_of(content, name):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


def names_in(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def blobs_of(view):
    return view.parts.workspace.folder / "content"


def manifest_of(content):
    return ET.fromstring(file_of(content, "Manifest.xml").decode("utf-16"))


# Fields and rows


@pytest.mark.evidence("recorded")
def test_columns_are_the_key_first_and_the_rest_by_alphabet(exporting):
    view, client = exporting(groups(), data=[three()])
    header = file_of(exported(client), f"{GROUPS}.csv").decode().split("\r\n")[0].split(",")
    entity = view.parts.catalogue.find(GROUPS)
    assert header[0] == "CUSTOMERGROUPID"
    assert header[1:] == sorted(header[1:])
    assert set(header) == {field.staging_name.upper() for field in entity.fields}


@pytest.mark.evidence("recorded")
def test_rows_come_in_key_order_without_letter_case(exporting):
    _view, client = exporting(groups(), data=[three()])
    assert rows_of(exported(client), "CUSTOMERGROUPID") == [("A30",), ("b10",), ("C20",)]


@pytest.mark.evidence("inferred")
def test_only_rows_of_the_calls_company_are_written_and_shared_ones_for_every_company(exporting):
    currencies = {"entity": "Currencies", "format": "CSV"}
    rows = [three(), seed(GROUPS, {"CustomerGroupId": "99"}, company="DEMF")]
    shared = seed("Currencies", {"CurrencyCode": "EUR", "Name": "Euro"})
    _view, client = exporting(groups(), currencies, data=[*rows, shared])
    content = exported(client, legalEntityId="demf")
    assert rows_of(content, "CUSTOMERGROUPID") == [("99",)]
    assert rows_of(content, "CURRENCYCODE", file="Currencies.csv") == [("EUR",)]


@pytest.mark.evidence("documented")
def test_a_project_with_fields_of_its_own_writes_these_alone_and_maps_them(exporting):
    _view, client = exporting(groups(fields=["Description", "CustomerGroupId"]), data=[three()])
    content = exported(client)
    lines = file_of(content, f"{GROUPS}.csv").decode().split("\r\n")
    assert lines[0] == "CUSTOMERGROUPID,DESCRIPTION"
    maps = manifest_of(content).findall(".//m:EntityMap/m:XMLField", NS)
    assert [one.text for one in maps] == ["CUSTOMERGROUPID", "DESCRIPTION"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"CustomerGroupId": "a30"}, ["A30"]),
        ({"CustomerGroupId": ["b10", "C20", "none"]}, ["b10", "C20"]),
        ({"CustomerGroupId": ["b10", "C20"], "Description": "About C20"}, ["C20"]),
        ({"IsSalesTaxIncludedInPrice": True}, []),
        ({"IsSalesTaxIncludedInPrice": "No"}, ["A30", "b10", "C20"]),
        ({"Description": ""}, []),
    ],
)
def test_a_filter_of_the_project_chooses_rows_by_value(exporting, wanted, found):
    _view, client = exporting(
        groups(filter=wanted), data=[three()], settings={"emptyExport": "headerOnly"}
    )
    assert [key for (key,) in rows_of(exported(client), "CUSTOMERGROUPID")] == found


@pytest.mark.evidence("recorded")
def test_a_label_that_windows_forbids_names_its_file_without_those_characters(exporting):
    label = "Country/regions"
    definition = {
        "name": label,
        "collection": "Countries",
        "type": "CountryEntity",
        "fields": [{"name": "Code"}],
        "perCompany": False,
    }
    twin = {**definition, "name": "Countryregions", "collection": "Twins", "type": "TwinEntity"}
    environment = {
        "version": 1,
        "entities": [definition, twin],
        "data": [seed(one["name"], {"Code": one["type"]}) for one in (definition, twin)],
        "dataProjects": [
            {
                "name": PROJECT,
                "operation": "Export",
                "entities": [
                    {"entity": "CountryEntity", "format": "CSV"},
                    {"entity": "TwinEntity", "format": "CSV"},
                ],
            }
        ],
    }
    _view, client = exporting.of(environment)
    content = exported(client)
    assert names_in(content)[:2] == ["Countryregions.csv", "Countryregions_1.csv"]
    assert rows_of(content, "CODE", file="Countryregions.csv") == [("CountryEntity",)]
    assert rows_of(content, "CODE", file="Countryregions_1.csv") == [("TwinEntity",)]


# Bytes


@pytest.mark.evidence("inferred")
def test_values_are_quoted_only_where_they_need_it_and_rows_end_in_crlf(exporting):
    row = {"CustomerGroupId": "10", "Description": 'a "b", c\nd'}
    _view, client = exporting(
        groups(fields=["CustomerGroupId", "Description"]), data=[seed(GROUPS, row)]
    )
    text = file_of(exported(client), f"{GROUPS}.csv").decode()
    assert text == 'CUSTOMERGROUPID,DESCRIPTION\r\n10,"a ""b"", c\nd"\r\n'


@pytest.mark.evidence("client")
def test_csv_unicode_is_utf_16_with_a_mark(exporting):
    row = {"CustomerGroupId": "10", "Description": "日本 ☃"}
    _view, client = exporting(
        groups(format="CSV-Unicode", fields=["CustomerGroupId", "Description"]),
        data=[seed(GROUPS, row)],
    )
    content = file_of(exported(client), f"{GROUPS}.csv")
    assert content[:2] == b"\xff\xfe"
    assert content[2:].decode("utf-16-le").split("\r\n")[1] == "10,日本 ☃"


@pytest.mark.evidence("documented")
def test_csv_is_windows_1252_and_what_that_lacks_fails_its_entity_alone(exporting):
    rows = [
        {"CustomerGroupId": str(n), "Description": "Größe" if n < 5 else "日本"} for n in range(9)
    ]
    shared = seed("Currencies", {"CurrencyCode": "EUR", "Name": "Größe"})
    currencies = {"entity": "Currencies", "format": "CSV", "fields": ["CurrencyCode", "Name"]}
    view, client = exporting(groups(), currencies, data=[seed(GROUPS, *rows), shared])
    execution = export(client)
    assert client.state(execution) == "PartiallySucceeded"
    content = client.exported(execution)
    # Nothing of the file that failed half-way is in the package, and nothing names it.
    assert names_in(content) == ["Currencies.csv", "Manifest.xml", "PackageHeader.xml"]
    labels = manifest_of(content).findall(".//m:EntityName", NS)
    assert [one.text for one in labels] == ["Currencies"]
    assert file_of(content, "Currencies.csv") == "CURRENCYCODE,NAME\r\nEUR,Größe\r\n".encode(
        "cp1252"
    )
    failed, good = view.executions.only().entities
    assert (failed["stagingStatus"], failed["targetStatus"]) == ("Error", "NotRun")
    assert (good["targetStatus"], good["targetRecordsCreated"]) == ("Finished", 1)
    (error,) = view.executions.only().errors
    assert error["message"].startswith("DMF1957: Can't export unicode data as an ascii file type")


@pytest.mark.evidence("inferred")
def test_an_export_of_which_every_entity_fails_has_no_package(exporting):
    rows = seed(GROUPS, {"CustomerGroupId": "10", "Description": "日本"})
    view, client = exporting(groups(), data=[rows])
    execution = export(client)
    assert client.state(execution) == "Failed"
    assert client.value("GetExportedPackageUrl", executionId=execution) == ""
    assert [path for path in blobs_of(view).rglob("*") if path.is_file()] == []


# Entities without rows


@pytest.mark.evidence("documented")
def test_an_entity_without_rows_has_no_file_and_the_package_is_there(exporting):
    view, client = exporting(groups())
    execution = export(client)
    assert client.state(execution) == "Succeeded"
    content = client.exported(execution)
    assert names_in(content) == ["Manifest.xml", "PackageHeader.xml"]
    assert "there were no rows" in view.executions.only().document["reason"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("source_format", ["CSV", "CSV-Unicode", "EXCEL", "XML-Element"])
def test_an_entity_without_rows_may_have_a_file_with_its_header_alone(exporting, source_format):
    _view, client = exporting(groups(format=source_format), settings={"emptyExport": "headerOnly"})
    content = exported(client)
    assert len(names_in(content)) == 3
    assert names_in(content)[0].startswith(GROUPS)


# The manifest


@pytest.mark.evidence("recorded")
def test_the_manifest_says_what_the_product_says_of_an_entity(exporting):
    _view, client = exporting(
        groups(), groups(entity="Currencies", refreshType="IncrementalPush"), data=[three()]
    )
    first, second = manifest_of(exported(client)).findall(
        ".//m:DataManagementPackageEntityData", NS
    )
    said = {child.tag.partition("}")[2]: child.text for child in first}
    assert list(said) == sorted(said)
    assert said["EntityName"] == GROUPS
    assert said["TargetEntity"] == "CustCustomerGroupEntity"
    assert said["InputFilePath"] == f"{GROUPS}.csv"
    assert (said["SourceFormat"], said["DefaultRefreshType"]) == ("CSV", "FullPush")
    assert (said["ExecutionUnit"], said["LevelInExecutionUnit"], said["SequenceInLevel"]) == (
        "1",
        "1",
        "1",
    )
    said = {child.tag.partition("}")[2]: child.text for child in second}
    assert (said["SequenceInLevel"], said["DefaultRefreshType"]) == ("2", "IncrementalPush")


@pytest.mark.evidence("documented")
def test_a_package_is_kept_for_seven_days(exporting):
    view, client = exporting(groups(), data=[three()])
    execution = export(client)
    assert client.value("GetExportedPackageUrl", executionId=execution)
    view.clock.advance("7d")
    client.renew()
    assert client.value("GetExportedPackageUrl", executionId=execution) == ""


# Stopped on the way


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("action", ["fail", "cancel"])
def test_an_export_that_is_ended_by_hand_never_has_a_url(exporting, steps, action):
    view, client = exporting(groups(), data=[three()], clock="virtual")
    execution = client.export(definitionGroupId=PROJECT)
    for _ in range(steps):
        view.executions.only().advance()
    getattr(view.executions.only(), action)()
    assert client.value("GetExportedPackageUrl", executionId=execution) == ""
    view.clock.advance("1h")
    assert client.value("GetExportedPackageUrl", executionId=execution) == ""


@pytest.mark.evidence("inferred")
def test_an_export_that_is_canceled_while_it_writes_leaves_no_package(exporting, wait_until):
    rows = Table(GROUPS, CUSTOMER_GROUPS.columns, tuple((str(n), "x") for n in range(40_000)))
    view, client = exporting(groups(), clock="real")
    imported = client.import_package(package(rows))
    wait_until(lambda: view.executions.only().state == "Succeeded")
    execution = client.export(definitionGroupId=PROJECT)
    wait_until(lambda: client.state(execution) != "NotRun")
    last = view.executions.last()
    if last.state == "Executing":
        last.cancel()
    wait_until(lambda: view.executions.last().state in ("Canceled", "Succeeded"))
    url = client.value("GetExportedPackageUrl", executionId=execution)
    assert bool(url) == (view.executions.last().state == "Succeeded")
    assert imported != execution


# The same rows elsewhere


ROWS = [
    {"Text": "plain", "Amount": -0.5, "Day": "2024-02-29", "Flag": "Yes", "Whole": -7},
    {"Text": 'a "quoted", one', "Amount": 1234567.891, "Flag": "No"},
    {"Text": "two\nlines", "Day": "1999-12-31", "Whole": 2147483647},
    {"Text": "<&> 日本 ☃ Größe", "Clock": "23:59:59"},
    {"Text": "  blanks  ", "Whole": 0},
]
TYPED = {
    "name": "Typed things",
    "collection": "TypedThings",
    "type": "TypedThingEntity",
    "keys": ["Number"],
    "fields": [
        {"name": "Number", "type": "int"},
        {"name": "Text"},
        {"name": "Amount", "type": "real"},
        {"name": "Day", "type": "date"},
        {"name": "Moment", "type": "datetime"},
        {"name": "Clock", "type": "time"},
        {"name": "Flag", "type": "noyes"},
        {"name": "Kind", "type": "enum", "enum": ["None", "Some"]},
        {"name": "Whole", "type": "int"},
        {"name": "Large", "type": "int64"},
        {"name": "Identity", "type": "guid"},
    ],
}


def typed(source_format, data=()):
    return {
        "version": 1,
        "entities": [TYPED],
        "data": list(data),
        "dataProjects": [
            {
                "name": PROJECT,
                "operation": "Export",
                "entities": [{"entity": "Typed things", "format": source_format}],
            }
        ],
    }


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("source_format", ["CSV-Unicode", "EXCEL", "XML-Element"])
def test_a_package_that_is_imported_elsewhere_gives_the_same_package_again(
    exporting, source_format
):
    rows = [{"Number": number, **row} for number, row in enumerate(ROWS, start=1)]
    rows[0] |= {"Moment": "2024-05-06 07:08:09", "Kind": "Some", "Large": 9_007_199_254_740_993}
    rows[1] |= {"Identity": "{0F8FAD5B-D9CB-469F-A165-70867728950E}"}
    _view, client = exporting.of(typed(source_format, [seed("Typed things", *rows)]))
    first = exported(client)
    elsewhere, other = exporting.of(typed(source_format))
    other.poll(other.import_package(first))
    assert elsewhere.executions.only().errors == []
    again = exported(other)
    assert names_in(again) == names_in(first)
    name = names_in(first)[0]
    assert file_of(again, name) == file_of(first, name)
    assert len(elsewhere.rows("Typed things", company="USMF")) == len(ROWS)
