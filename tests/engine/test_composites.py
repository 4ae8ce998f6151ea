"""Composite entities: one file of nested rows feeds several entities, parents first."""

from __future__ import annotations

import io
import json
import zipfile
from xml.etree import ElementTree as ET

import pytest

from d365fo_emulator.packages.model import (
    Conversion,
    FieldMap,
    Manifest,
    PackageEntity,
    PackageHeader,
)
from d365fo_emulator.packages.writer import PackageWriter
from job_tools import Client
from written_packages import STAMP

LABEL = "Loyalty orders composite"


def entity(name, *fields, keys, **more):
    return {
        "name": name,
        "type": f"{name.replace(' ', '')}Entity",
        "collection": f"{name.replace(' ', '')}Set",
        "keys": list(keys),
        "fields": [{"name": field, "size": 20} for field in fields],
        **more,
    }


ENVIRONMENT = {
    "version": 1,
    "settings": {"composites": "lenient"},
    "entities": [
        entity("Orders", "OrderNumber", "Customer", keys=["OrderNumber"]),
        entity("Lines", "OrderNumber", "LineNumber", "Item", keys=["OrderNumber", "LineNumber"]),
        entity(
            "Charges",
            "OrderNumber",
            "LineNumber",
            "Code",
            keys=["OrderNumber", "LineNumber", "Code"],
        ),
        {
            "name": LABEL,
            "type": "LoyaltyOrderCompositeEntity",
            "composite": {
                "entity": "OrdersEntity",
                "children": [{"entity": "LinesEntity", "children": ["ChargesEntity"]}],
            },
        },
    ],
    "dataProjects": [
        {
            "name": "Out",
            "operation": "Export",
            "entities": [{"entity": LABEL, "format": "XML-Attribute"}],
        }
    ],
}

ATTRIBUTES = (
    '<Document><ORDERSENTITY ORDERNUMBER="O1" CUSTOMER="C1">'
    '<LINESENTITY LINENUMBER="1" ITEM="A"><CHARGESENTITY CODE="X"/></LINESENTITY>'
    '<LINESENTITY LINENUMBER="2" ITEM="B"/></ORDERSENTITY>'
    '<ORDERSENTITY ORDERNUMBER="O2" CUSTOMER="C2"><LINESENTITY LINENUMBER="1" ITEM="C"/>'
    "</ORDERSENTITY></Document>"
)
# The second order's number stands after its lines.
ELEMENTS = (
    "<Document><OrdersEntity><OrderNumber>O1</OrderNumber><Customer>C1</Customer>"
    "<LinesEntity><LineNumber>1</LineNumber><Item>A</Item>"
    "<ChargesEntity><Code>X</Code></ChargesEntity></LinesEntity>"
    "<LinesEntity><LineNumber>2</LineNumber><Item>B</Item></LinesEntity></OrdersEntity>"
    "<OrdersEntity><LinesEntity><LineNumber>1</LineNumber><Item>C</Item></LinesEntity>"
    "<Customer>C2</Customer><OrderNumber>O2</OrderNumber></OrdersEntity></Document>"
)


def composite_package(content, source_format="XML-Attribute", *more, maps=None):
    plan = PackageEntity(
        LABEL, f"{LABEL}.xml", source_format, maps, target_entity="LoyaltyOrderCompositeEntity"
    )
    target = io.BytesIO()
    with PackageWriter(target, STAMP) as writer:
        with writer.data_file(plan.file_name) as stream:
            stream.write(content.encode())
        writer.finish(Manifest("In", "In", (plan, *more)), PackageHeader("In"))
    return target.getvalue()


@pytest.fixture
def place(server):
    view = server.create_workspace(environment=ENVIRONMENT)
    with Client(view.client_config(), base=server.http_url) as client:
        yield view, client
    server.drop_workspace(view.id)


def keys(view, label):
    return [
        tuple(row[key] for key in ("OrderNumber", "LineNumber", "Code") if key in row)
        for row in view.rows(label, company="USMF").values()
    ]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("source_format", "content"), [("XML-Attribute", ATTRIBUTES), ("XML-Element", ELEMENTS)]
)
def test_rows_of_each_entity_take_the_key_of_the_row_around_them(place, source_format, content):
    view, client = place
    execution = client.import_package(composite_package(content, source_format))
    assert client.poll(execution)[-1] == "Succeeded"
    assert keys(view, "Orders") == [("O1",), ("O2",)]
    assert keys(view, "Lines") == [("O1", "1"), ("O1", "2"), ("O2", "1")]
    assert keys(view, "Charges") == [("O1", "1", "X")]
    (listed,) = view.executions.only().entities
    assert listed["entity"] == LABEL
    counted = ("sourceRecords", "stagingRecordsCreated", "targetRecordsCreated")
    assert [listed[name] for name in counted] == [6, 6, 6]
    assert (listed["stagingStatus"], listed["targetStatus"]) == ("Finished", "Finished")


@pytest.mark.evidence("inferred")
def test_what_hangs_on_a_row_that_failed_is_not_written(place):
    view, client = place
    content = ATTRIBUTES.replace('"O1"', f'"{"x" * 30}"')
    execution = client.import_package(composite_package(content))
    assert client.poll(execution)[-1] == "PartiallySucceeded"
    assert keys(view, "Orders") == [("O2",)]
    assert keys(view, "Lines") == [("O2", "1")]
    assert keys(view, "Charges") == []
    errors = view.executions.only().errors
    assert {error["entity"] for error in errors} == {"Orders", "Lines", "Charges"}
    (listed,) = view.executions.only().entities
    assert listed["targetRecordsCreated"] == 2


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("content", "source_format", "words"),
    [
        (ATTRIBUTES.replace('<CHARGESENTITY CODE="X"/>', ""), "XML-Attribute", "MAP011"),
        ("ORDERNUMBER\r\nO1\r\n", "CSV", "DMF1963"),
        ("<Document />", "XML-Attribute", "DMF2053"),
        ("<Document><LINESENTITY/></Document>", "XML-Attribute", "0xC0010009"),
        (ELEMENTS, "XML-Attribute", "0xC0010009"),
        ("<Document>", "XML-Attribute", "0xC0010009"),
    ],
)
def test_a_file_that_is_no_composite_stages_nothing(place, content, source_format, words):
    view, client = place
    execution = client.import_package(composite_package(content, source_format))
    assert client.poll(execution)[-1] == "Failed"
    (listed,) = view.executions.only().entities
    assert (listed["stagingStatus"], listed["targetStatus"]) == ("Error", "NotRun")
    assert words in listed["notes"][0]
    assert f"'0' '{LABEL}' record(s) inserted in staging." in listed["notes"][1]
    assert keys(view, "Orders") == []


@pytest.mark.evidence("client")
def test_a_composite_beside_others_fails_with_the_reported_words(place):
    view, client = place
    other = PackageEntity("Orders", "Orders.csv", "CSV", ())
    execution = client.import_package(composite_package(ATTRIBUTES, "XML-Attribute", other))
    client.poll(execution)
    listed = next(one for one in view.executions.only().entities if one["entity"] == LABEL)
    assert "A DataTable named 'OrdersEntity' already belongs to this DataSet." in listed["notes"][0]


@pytest.mark.evidence("inferred")
def test_a_part_that_cannot_be_staged_fails_them_all(place):
    view, client = place
    content = ATTRIBUTES.replace('<LINESENTITY LINENUMBER="2"', '<LINESENTITY LINENUMBER="1"')
    execution = client.import_package(composite_package(content))
    assert client.poll(execution)[-1] == "Failed"
    (listed,) = view.executions.only().entities
    assert (listed["stagingRecordsCreated"], listed["targetRecordsCreated"]) == (0, 0)
    assert keys(view, "Orders") == []
    assert {error["entity"] for error in view.executions.only().errors} == {"Lines"}


def exported(client):
    execution = client.export(definitionGroupId="Out")
    assert client.poll(execution)[-1] == "Succeeded"
    package = client.exported(execution)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        name = f"{LABEL}.xml"
        return package, archive.read(name).decode() if name in archive.namelist() else None


@pytest.mark.evidence("documented")
def test_an_export_nests_rows_and_goes_in_again(server, place):
    view, client = place
    client.poll(client.import_package(composite_package(ATTRIBUTES)))
    package, document = exported(client)
    assert document == (
        '<?xml version="1.0" encoding="utf-8"?><Document>'
        '<ORDERSENTITY ORDERNUMBER="O1" CUSTOMER="C1">'
        '<LINESENTITY ORDERNUMBER="O1" LINENUMBER="1" ITEM="A">'
        '<CHARGESENTITY ORDERNUMBER="O1" LINENUMBER="1" CODE="X"></CHARGESENTITY></LINESENTITY>'
        '<LINESENTITY ORDERNUMBER="O1" LINENUMBER="2" ITEM="B"></LINESENTITY></ORDERSENTITY>'
        '<ORDERSENTITY ORDERNUMBER="O2" CUSTOMER="C2">'
        '<LINESENTITY ORDERNUMBER="O2" LINENUMBER="1" ITEM="C"></LINESENTITY></ORDERSENTITY>'
        "</Document>"
    )
    listed = view.executions.last().entities[0]
    assert (listed["entity"], listed["targetRecordsCreated"]) == (LABEL, 6)
    other = server.create_workspace(environment=ENVIRONMENT)
    with Client(other.client_config(), base=server.http_url) as again:
        assert again.poll(again.import_package(package))[-1] == "Succeeded"
    assert keys(other, "Charges") == [("O1", "1", "X")]
    server.drop_workspace(other.id)


@pytest.mark.evidence("documented")
def test_an_entity_without_rows_has_an_empty_element_in_an_export(place):
    view, client = place
    content = '<Document><ORDERSENTITY ORDERNUMBER="O1"><LINESENTITY><CHARGESENTITY/></LINESENTITY>'
    content += "</ORDERSENTITY></Document>"
    assert client.poll(client.import_package(composite_package(content)))[-1] == "Succeeded"
    assert keys(view, "Lines") == []
    package, document = exported(client)
    assert document.endswith(
        "<ORDERSENTITY><LINESENTITY><CHARGESENTITY></CHARGESENTITY></LINESENTITY></ORDERSENTITY>"
        "</Document>"
    )
    assert client.poll(client.import_package(package))[-1] == "Succeeded"


@pytest.mark.evidence("documented")
def test_a_composite_without_rows_has_no_file_in_its_export(place):
    _view, client = place
    assert exported(client)[1] is None


# Rows inside rows, when there are many


def nested_rows(client):
    """The rows of an exported document, each with those inside it, by what tells them apart."""
    root = ET.fromstring(exported(client)[1])

    def inside(element):
        number = element.get("LINENUMBER")
        key = element.get("CODE") or (number and int(float(number))) or element.get("ORDERNUMBER")
        return key, [inside(one) for one in element]

    return [inside(one) for one in root]


@pytest.fixture
def numbered(server, request):
    """Makes a place whose line numbers are of a type, and whose lines have links of their own."""

    def make(line_type, links):
        document = json.loads(json.dumps(ENVIRONMENT))
        for described in document["entities"]:
            for field in described.get("fields", ()):
                if field["name"] == "LineNumber":
                    field.update(type=line_type)
                    field.pop("size")
        if links:
            document["entities"][-1]["composite"]["children"][0]["links"] = links
        view = server.create_workspace(environment=document)
        request.addfinalizer(lambda: server.drop_workspace(view.id))
        client = Client(view.client_config(), base=server.http_url)
        request.addfinalizer(client.__exit__)
        return view, client

    return make


def put(view, label, names, *rows):
    entity, store = view.parts.catalogue.find(label), view.parts.rows
    store.prepare(entity)
    store.put(entity, [entity.find_field(name) for name in names], "USMF", rows)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("line_type", ["int", "real"])
@pytest.mark.parametrize(
    "links", [None, {"OrderNumber": "OrderNumber"}, {"OrderNumber": "Customer"}]
)
def test_rows_stand_inside_their_own_row_alone_whatever_their_letter_case(
    numbered, line_type, links
):
    """Rows behind the whole key are merged, behind another field they are sought."""
    view, client = numbered(line_type, links)
    orders = [("B", "b"), ("a-1", "A-1"), ("A", "a"), ("C", "c")]
    lines = [("b", -1), ("A-1", 10), ("a-1", 2), ("nobody", 1), ("0", 1), ("c", 3)]
    charges = [("a-1", 2, "Y"), ("A-1", 2, "X"), ("B", -1, "Z"), ("B", 7, "W"), ("A", 1, "V")]
    put(view, "Orders", ("OrderNumber", "Customer"), *orders)
    put(view, "Lines", ("OrderNumber", "LineNumber"), *lines)
    put(view, "Charges", ("OrderNumber", "LineNumber", "Code"), *charges)
    assert nested_rows(client) == [
        ("A", []),
        ("a-1", [(2, [("X", []), ("Y", [])]), (10, [])]),
        ("B", [(-1, [("Z", [])])]),
        ("C", [(3, [])]),
    ]


# Maps and number sequences


@pytest.mark.evidence("inferred")
def test_a_map_says_which_field_of_the_file_feeds_which_field_of_every_entity(place):
    view, client = place
    content = (
        '<Document><ORDERSENTITY NO="O1" CUSTOMER="C1" BUYER="B1">'
        '<LINESENTITY LINENUMBER="1" ARTICLE="A" ITEM="x"><CHARGESENTITY CODE="X"/></LINESENTITY>'
        "</ORDERSENTITY></Document>"
    )
    maps = (
        FieldMap("ORDERNUMBER", "No"),
        FieldMap("CUSTOMER", "BUYER"),
        FieldMap("ITEM", "ARTICLE", conversions=(Conversion("A", "Apple"),)),
        FieldMap("MOON", "CUSTOMER"),
    )
    package = composite_package(content, maps=maps)
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert keys(view, "Charges") == [("O1", "1", "X")]
    assert [row["Customer"] for row in view.rows("Orders", company="USMF").values()] == ["B1"]
    assert [row["Item"] for row in view.rows("Lines", company="USMF").values()] == ["Apple"]


@pytest.mark.evidence("inferred")
def test_the_number_that_a_sequence_gives_a_row_reaches_the_rows_inside_it(place):
    view, client = place
    content = (
        '<Document><ORDERSENTITY CUSTOMER="C1"><LINESENTITY LINENUMBER="1">'
        '<CHARGESENTITY CODE="X"/></LINESENTITY><LINESENTITY LINENUMBER="2"/></ORDERSENTITY>'
        '<ORDERSENTITY ORDERNUMBER="Mine" CUSTOMER="C2">'
        '<LINESENTITY ORDERNUMBER="Mine" LINENUMBER="1"/></ORDERSENTITY>'
        '<ORDERSENTITY CUSTOMER="C3"><LINESENTITY LINENUMBER="7">'
        '<CHARGESENTITY CODE="Y"/></LINESENTITY></ORDERSENTITY></Document>'
    )
    maps = (FieldMap("ORDERNUMBER", "ORDERNUMBER", auto_generated=True),)
    for _ in range(2):
        package = composite_package(content, maps=maps)
        assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert keys(view, "Charges") == [
        (f"USMF-00000{number}", line, code)
        for number, line, code in [(1, "1", "X"), (3, "7", "Y"), (4, "1", "X"), (6, "7", "Y")]
    ]
    lines = [key for key, _line in keys(view, "Lines")]
    assert lines == [f"USMF-00000{number}" for number in (1, 1, 2, 3, 4, 4, 5, 6)]


@pytest.mark.evidence("inferred")
def test_the_catalogue_knows_of_sequences_too(server, request):
    document = json.loads(json.dumps(ENVIRONMENT))
    document["entities"][0]["fields"][0]["autoNumber"] = True
    view = server.create_workspace(environment=document)
    request.addfinalizer(lambda: server.drop_workspace(view.id))
    content = ATTRIBUTES.replace(' ORDERNUMBER="O1"', "").replace(' ORDERNUMBER="O2"', "")
    with Client(view.client_config(), base=server.http_url) as client:
        assert client.poll(client.import_package(composite_package(content)))[-1] == "Succeeded"
    assert keys(view, "Charges") == [("USMF-000001", "1", "X")]
    assert [key for key, _line in keys(view, "Lines")] == ["USMF-000001"] * 2 + ["USMF-000002"]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("action", ["ImportFromPackage", "ImportFromPackageAsync"])
@pytest.mark.parametrize(("setting", "status"), [("learn", 501), ("refuse", 400)])
def test_a_composite_that_nobody_described_is_refused_by_name(
    server, request, action, setting, status
):
    """It cannot be learnt: how its rows belong together does not show in the file."""
    settings = {"unknownEntities": setting}
    view = server.create_workspace(environment={"version": 1, "settings": settings})
    request.addfinalizer(lambda: server.drop_workspace(view.id))
    with Client(view.client_config(), base=server.http_url) as client:
        answer = client.answer(
            action,
            packageUrl=client.upload(composite_package(ATTRIBUTES)),
            definitionGroupId="In",
            executionId="",
            execute=True,
            overwrite=False,
            legalEntityId="USMF",
        )
        if action.endswith("Async") and status == 400:
            assert client.poll(answer.json()["value"])[-1] == "Failed"
            return
    assert answer.status_code == status, answer.text
    assert LABEL in answer.text
    assert not view.executions


@pytest.mark.evidence("inferred")
def test_attachments_of_rows_inside_go_in_and_come_out(server, request):
    document = json.loads(json.dumps(ENVIRONMENT))
    document["settings"]["attachments"] = "keep"
    view = server.create_workspace(environment=document)
    request.addfinalizer(lambda: server.drop_workspace(view.id))
    package = io.BytesIO(composite_package(ATTRIBUTES.replace('ITEM="B"', 'ITEM="b.pdf"')))
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("Resources/LinesEntity/B.pdf", b"%PDF")
    with Client(view.client_config(), base=server.http_url) as client:
        execution = client.import_package(package.getvalue())
        assert client.poll(execution)[-1] == "Succeeded"
        assert "Lines: 1 attachments were kept" in view.executions.only().entities[0]["notes"]
        content, _document = exported(client)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("Resources/LinesEntity/B.pdf") == b"%PDF"
