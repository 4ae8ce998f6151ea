"""Exports into another workspace and out of it: what a format can hold comes back as it was."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from d365fo_emulator.packages.formats.registry import FORMATS
from d365fo_emulator.packages.model import (
    Conversion,
    ConversionType,
    FieldMap,
    Manifest,
    PackageEntity,
    PackageHeader,
)
from d365fo_emulator.packages.writer import PackageWriter
from job_tools import Client
from written_packages import STAMP

PROJECT = "Out"
TEXT = 'Größe; "x": a|b, c\'d'
KINDS = {
    "name": "All kinds",
    "type": "AllKindsEntity",
    "collection": "AllKinds",
    "keys": ["Code"],
    "fields": [
        {"name": "Code", "size": 20},
        {"name": "Text", "size": 60},
        {"name": "Amount", "type": "real"},
        {"name": "Count", "type": "int"},
        {"name": "Day", "type": "date"},
        {"name": "Instant", "type": "datetime"},
        {"name": "Id", "type": "guid"},
        {"name": "IsOn", "type": "noyes"},
    ],
}
ROW = {
    "Amount": "-1234.5",
    "Count": "-7",
    "Day": "2026-02-28",
    "Instant": "2026-02-28 23:59:59",
    "Id": "{0F8FAD5B-D9CB-469F-A165-70867728950E}",
    "IsOn": "Yes",
}
ROWS = [
    {"Code": "0010", "Text": TEXT, **ROW},
    {"Code": "a b", "Text": "  leads", **ROW, "Amount": "0.000001"},
    {"Code": "B", "Text": ""},
]


def environment(source_format, rows=()):
    return {
        "version": 1,
        "entities": [KINDS],
        "data": [{"entity": "All kinds", "company": "USMF", "rows": list(rows)}] if rows else [],
        "dataProjects": [
            {
                "name": PROJECT,
                "operation": "Export",
                "entities": [{"entity": "All kinds", "format": source_format}],
            }
        ],
    }


@pytest.fixture
def place(server, request):
    def make(source_format, rows=()):
        view = server.create_workspace(environment=environment(source_format, rows))
        request.addfinalizer(lambda: server.drop_workspace(view.id))
        client = Client(view.client_config(), base=server.http_url)
        request.addfinalizer(client.__exit__)
        return view, client

    return make


def exported(client):
    execution = client.export(definitionGroupId=PROJECT)
    assert client.poll(execution)[-1] == "Succeeded"
    package = client.exported(execution)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        (name,) = set(archive.namelist()) - {"Manifest.xml", "PackageHeader.xml"}
        return package, archive.read(name)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", [one.name for one in FORMATS if one.extension != ".xlsx"])
def test_a_data_file_comes_back_byte_for_byte_from_another_workspace(place, name):
    view, client = place(name, ROWS)
    package, first = exported(client)
    other, client = place(name)
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert exported(client)[1] == first
    own, there = (one.rows("All kinds", company="USMF") for one in (view, other))
    assert list(own) == list(there)
    # What was never given is written as the product writes nothing: 0, 1900-01-01, No.
    assert [own[key] for key in ("0010", "a b")] == [there[key] for key in ("0010", "a b")]


@pytest.mark.evidence("documented")
def test_cells_of_a_workbook_are_equal_for_openpyxl_and_calamine_and_come_back(place):
    _view, client = place("EXCEL", ROWS)
    package, first = exported(client)
    sheet = openpyxl.load_workbook(io.BytesIO(first)).active
    cells = [[value or "" for value in row] for row in sheet.iter_rows(values_only=True)]
    read = CalamineWorkbook.from_filelike(io.BytesIO(first)).get_sheet_by_index(0).to_python()
    assert cells == read
    assert cells[0] == ["CODE", "AMOUNT", "COUNT", "DAY", "ID", "INSTANT", "ISON", "TEXT"]
    assert [row[0] for row in cells[1:]] == ["0010", "a b", "B"]
    assert cells[1][-1] == TEXT
    assert all(isinstance(value, str) for row in cells for value in row)
    _other, client = place("EXCEL")
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    again = openpyxl.load_workbook(io.BytesIO(exported(client)[1])).active
    assert [[value or "" for value in row] for row in again.iter_rows(values_only=True)] == cells


# Maps with conversions


def template(*maps):
    """A package that becomes an export project with these maps."""
    plan = PackageEntity("All kinds", "All kinds.csv", "CSV", maps, target_entity="AllKindsEntity")
    target = io.BytesIO()
    with PackageWriter(target, STAMP) as writer:
        writer.finish(Manifest(PROJECT, PROJECT, (plan,)), PackageHeader(PROJECT))
    return target.getvalue()


@pytest.mark.evidence("inferred")
def test_pairs_of_a_map_are_taken_the_other_way_round_and_come_back(place):
    rows = [
        {"Code": "1", "Text": "STAGED", "Count": "5"},
        {"Code": "2", "Text": "other", "Count": "6"},
        {"Code": "3", "Text": "", "Count": "0"},
    ]
    view, client = place("CSV", rows)
    pairs = (
        Conversion("File", "staged"),
        Conversion("Second", "staged"),
        Conversion("file", "never"),
        Conversion("none", "x", is_default=True),
    )
    numbers = (Conversion("50", "5", type=ConversionType.INT), Conversion("y", "no number"))
    maps = (
        FieldMap("CODE", "Key"),
        FieldMap("TEXT", "TEXT", conversions=pairs),
        FieldMap("COUNT", "COUNT", conversions=numbers),
    )
    execution = client.value(
        "ExportFromPackage",
        packageUrl=client.upload(template(*maps)),
        definitionGroupId="Template",
        executionId="",
        execute=True,
        overwrite=True,
        legalEntityId="USMF",
    )
    assert client.poll(execution)[-1] == "Succeeded"
    package = client.exported(execution)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        lines = archive.read("All kinds.csv").decode().splitlines()
    assert lines == ["Key,COUNT,TEXT", "1,50,File", "2,6,other", "3,0,"]
    other, client = place("CSV")
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    found = [
        (row["Text"], row["Count"]) for row in other.rows("All kinds", company="USMF").values()
    ]
    assert found == [("staged", 5), ("x", 6), ("x", 0)]
    assert len(view.executions) == 1
