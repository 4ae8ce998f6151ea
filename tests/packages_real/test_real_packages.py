"""Real data packages, where they are at hand: what they hold comes in, and goes out as it was.

The folder is named by `D365FO_EMULATOR_REAL_PACKAGES`, else it is `../shared/packages` beside the
checkout; its `expected.json` says what was counted in each package by other means.
"""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.model import COMPANY_FIELD, FieldType
from job_tools import Client
from written_packages import tables, written

FOLDER = Path(
    os.environ.get(
        "D365FO_EMULATOR_REAL_PACKAGES",
        Path(__file__).resolve().parents[2].parent / "shared" / "packages",
    )
)
EXPECTED = FOLDER / "expected.json"
KNOWN = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.is_file() else {}
AT_HAND = [name for name in KNOWN if (FOLDER / name).exists()]
CUSTOMERS = "Customers V3"
COMPANIES = ("USMF", "GBSI")

pytestmark = [
    pytest.mark.evidence("recorded"),
    pytest.mark.skipif(not AT_HAND, reason="no real packages are at hand"),
]


def content_of(name):
    """The package; a bare CSV file becomes one, with a map for each of its columns."""
    path = FOLDER / name
    if path.is_file():
        return path.read_bytes()
    (file,) = path.glob("*.csv")
    header, *rows = csv.reader(io.StringIO(file.read_text("utf-8"), newline=""))
    return written(CUSTOMERS, "CustCustomerV3Entity", header, rows)


def entities_of(name):
    """Label, format, file, rows and unmapped columns of each entity that has a file."""
    return [
        {
            "label": entity["name"] or CUSTOMERS,
            "format": entity.get("format") or "CSV",
            "rows": entity["rows"],
            "unmapped": entity.get("columns_without_map") or [],
        }
        for entity in KNOWN[name]["entities"]
        if entity["rows"] is not None
    ]


@pytest.fixture
def job(request, d365fo_server):
    """A workspace of its own that exports what the package of this name brings."""
    name = request.node.nodeid

    def make(label_and_format):
        projects = [
            {
                "name": "All",
                "operation": "Export",
                "entities": [{"entity": label, "format": form} for label, form in label_and_format],
            }
        ]
        learnt = [{"package": str(request.getfixturevalue("package_file"))}]
        view = d365fo_server.create_workspace(
            name, environment={"version": 1, "entities": learnt, "dataProjects": projects}
        )
        config = view.client_config()
        return view, Client(config | {"resource": view.http_url}, view.http_url)

    yield make
    d365fo_server.drop_workspace(name)


@pytest.fixture
def package_file(request, tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(content_of(request.node.callspec.params["name"]))
    return path


@pytest.mark.parametrize("name", AT_HAND)
def test_a_real_package_comes_in_with_its_counts_and_goes_out_with_its_rows(
    name, job, package_file
):
    entities = entities_of(name)
    view, client = job([(entity["label"], entity["format"]) for entity in entities])
    content = package_file.read_bytes()
    execution = client.import_package(content, definitionGroupId="Real")
    client.poll(execution)
    document = view.executions[execution].document

    counted = {one["entity"]: one for one in document["entities"]}
    made = {label: one["targetRecordsCreated"] for label, one in counted.items()}
    assert {one["label"]: made[one["label"]] for one in entities} == {
        one["label"]: one["rows"] for one in entities
    }
    listed = KNOWN[name].get("entities_listed", len(entities))
    if listed == len(entities):
        assert (document["state"], document["errors"]) == ("Succeeded", [])
    else:
        assert document["state"] == "PartiallySucceeded"
        assert len(document["errors"]) == listed - len(entities)

    before = _rows(content, entities)
    after = {}
    for company in COMPANIES:
        export = client.export(definitionGroupId="All", packageName="All", legalEntityId=company)
        assert client.poll(export)[-1] == "Succeeded"
        for file, exported in _rows(client.exported(export), entities).items():
            rows = _with_company(exported, company, before[file])
            after[file] = sorted({*map(tuple, after.get(file, ())), *rows})
    assert after.keys() == before.keys()
    for file, rows in before.items():
        assert _without_extra(after[file], rows) == rows, file


def _rows(package, entities):
    """By file, its rows as sorted pairs of column and value; unmapped columns left out."""
    unmapped = {column.upper() for entity in entities for column in entity["unmapped"]}
    reals = set().union(*(_reals(entity["label"]) for entity in entities))
    found = {}
    for file, (header, rows) in tables(package).items():
        names = [column.upper() for column in header]
        found[file] = sorted(
            tuple(
                sorted(
                    (column, f"{float(value or 0)}" if column in reals else value)
                    for column, value in zip(names, row, strict=True)
                    if column not in unmapped
                )
            )
            for row in rows
        )
    return found


def _reals(label):
    """Columns of numbers: files that people saved again have fewer digits than exports."""
    entity = BuiltinCatalogue().find(label)
    fields = entity.fields if entity else ()
    return {field.staging_name.upper() for field in fields if field.type is FieldType.REAL}


def _with_company(rows, company, wanted):
    """Rows with the company column that exports of one company do not have."""
    if not any(column == COMPANY_FIELD for column, _value in wanted[0]):
        return rows
    return [tuple(sorted((*row, (COMPANY_FIELD, company)))) for row in rows]


def _without_extra(rows, wanted):
    """Rows without the columns that the catalogue knows and the package does not bring."""
    brought = {column for column, _value in wanted[0]}
    return sorted(tuple(pair for pair in row if pair[0] in brought) for row in rows)
