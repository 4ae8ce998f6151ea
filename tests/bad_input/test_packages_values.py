"""Data files that are large, wide, deep or odd, and values at the edges of their types."""

from __future__ import annotations

import csv
import zipfile
from io import BytesIO

import pytest

import builders
import written_packages
from bad_input import packages, workbooks
from bad_input.packages import package, zipped
from bad_input.support import ENVIRONMENT, GROUPS, Place, blob, peak_memory
from bad_input.workbooks import text_cell

pytestmark = pytest.mark.evidence("inferred")

MIB = 1 << 20
TRACES = ("executions", "projects", "errors", "progress")
RAGGED = "DMF2050: A row has another number of values than the header"
WRONG_TYPE = "DMF1855: The type of the file does not fit the source format"
TOO_MANY_COLUMNS = "DMF2009"
NO_HEADER = "FF004: The header row is missing in the input file"
NOT_XML = "XML is not in correct format-Exception from HRESULT: 0xC0010009"
HEAD = "CUSTOMERGROUPID,DESCRIPTION\r\n"
ELEMENT = "CUSTCUSTOMERGROUPENTITY"


def stored(files):
    return zipped(files, zipfile.ZIP_STORED)


def of_xml(data):
    """A package whose one file is XML, not compressed."""
    text = packages.manifest(
        ("<SourceFormat>CSV<", "<SourceFormat>XML-Element<"),
        (f"<InputFilePath>{packages.DATA}<", "<InputFilePath>groups.xml<"),
    )
    return stored(packages.files(data=None, manifest=text) | {"groups.xml": data})


def xml(inside, encoding="utf-8", octets=None, mark=b""):
    text = f'<?xml version="1.0" encoding="{encoding}"?><Document>{inside}</Document>'
    return of_xml(mark + text.encode(octets or encoding))


def row_of(key="10", text="Wholesale"):
    return (
        f"<{ELEMENT}><CUSTOMERGROUPID>{key}</CUSTOMERGROUPID>"
        f"<DESCRIPTION>{text}</DESCRIPTION></{ELEMENT}>"
    )


def failed(place, content, most=96 * MIB):
    """The one error of an import of which nothing but its record is left."""
    url = place.upload(content)
    del content
    with place.changing(*TRACES), peak_memory() as at_most:
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"
        at_most(most)
    (error,) = place.view.executions.only().errors
    assert len(error["message"]) < 500
    return error["message"]


def big(text, **changes):
    return stored(packages.files(data=text.encode(), **changes))


# Size and form


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(big(f'{HEAD}10,"{"x" * (10 * MIB)}"\r\n'), RAGGED, id="a row of 10 MB"),
        pytest.param(
            big(HEAD.strip() + "," + "x" * (10 * MIB) + "\r\n10,x,y\r\n"),
            RAGGED,
            id="a name of 10 MB",
        ),
        pytest.param(xml("<a>" * 200_000 + "</a>" * 200_000), NOT_XML, id="elements 200,000 deep"),
        pytest.param(
            xml(f"<{ELEMENT}><DESCRIPTION>{'<a>' * 5000}{'</a>' * 5000}</DESCRIPTION></{ELEMENT}>"),
            NOT_XML,
            id="a field 5,000 deep",
        ),
        pytest.param(xml(row_of(text="x" * (10 * MIB))), NOT_XML, id="a text of 10 MB"),
        pytest.param(xml(row_of(text="&#0;")), NOT_XML, id="a NUL by its number"),
        pytest.param(xml(row_of(text="&#xDC00;")), NOT_XML, id="half a pair by its number"),
        pytest.param(xml(row_of(text="&b;")), NOT_XML, id="an entity that is none"),
        pytest.param(
            xml(row_of(text="Größe"), octets="cp1252"), NOT_XML, id="a code page for UTF-8"
        ),
        pytest.param(xml(row_of(), "utf-16", "utf-8"), NOT_XML, id="UTF-8 for UTF-16"),
        pytest.param(xml(row_of(), "utf-32"), NOT_XML, id="UTF-32"),
        pytest.param(xml(row_of(), "utf-7"), NOT_XML, id="UTF-7"),
        pytest.param(
            of_xml(f"<Document>{row_of()}</Document>".encode("utf-16")[:-1]),
            NOT_XML,
            id="half a unit at the end",
        ),
    ],
)
def test_a_file_is_refused_for(place, content, message):
    assert failed(place, content) == message


@pytest.mark.parametrize(
    ("encoding", "octets", "mark"),
    [
        ("utf-8", "utf-8", b"\xef\xbb\xbf"),
        ("utf-16", "utf-16-le", b"\xff\xfe"),
        ("utf-16", "utf-16-be", b"\xfe\xff"),
        ("iso-8859-1", "iso-8859-1", b""),
        ("windows-1252", "cp1252", b""),
    ],
)
def test_an_xml_file_is_read_in(place, encoding, octets, mark):
    content = xml(row_of(text="Größe"), encoding, octets, mark)
    assert place.finish(place.import_package(content).json["value"]) == "Succeeded"
    assert place.view.rows(GROUPS, company="USMF")["10"]["Description"] == "Größe"


def wide(count):
    """Names and values of so many columns, the mapped ones first."""
    names = ["CUSTOMERGROUPID", "DESCRIPTION", *(f"X{n}" for n in range(count - 2))]
    return names, ["10", "Wholesale", *("y" for _ in range(count - 2))]


def wide_csv():
    return package(data="".join(f"{','.join(row)}\r\n" for row in wide(16_384)).encode())


def wide_xml():
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in zip(*wide(16_384), strict=True))
    return xml(f"<{ELEMENT}>{inside}</{ELEMENT}>")


@pytest.mark.parametrize("content", [wide_csv(), wide_xml()], ids=["CSV", "XML"])
def test_of_16384_columns_the_mapped_ones_are_taken(place, content):
    with peak_memory() as at_most:
        assert place.finish(place.import_package(content).json["value"]) == "Succeeded"
        at_most(96 * MIB)
    assert place.view.rows(GROUPS, company="USMF")["10"]["Description"] == "Wholesale"
    (entity,) = place.view.executions.only().entities
    assert len(entity["notes"]) <= 101


def letters(number):
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def test_a_workbook_of_16384_columns_has_too_many(place):
    names, values = wide(16_384)
    rows = "".join(
        f'<row r="{number}">'
        + "".join(text_cell(letters(at), number, text) for at, text in enumerate(row, start=1))
        + "</row>"
        for number, row in enumerate((names, values), start=1)
    )
    main = f'<worksheet xmlns="{workbooks.MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    message = failed(place, workbooks.package(workbooks.workbook(main)))
    assert message.startswith(TOO_MANY_COLUMNS)


def test_a_text_in_xml_that_is_too_long_fails_its_row_alone(place):
    content = xml(row_of("20") + row_of("10", "x" * MIB))
    with peak_memory() as at_most:
        execution = place.import_package(content).json["value"]
        assert place.finish(execution) == "PartiallySucceeded"
        at_most(96 * MIB)
    (error,) = place.view.executions.only().errors
    assert error["message"].startswith("DMF2018: ")
    assert len(error["message"]) < 500
    assert set(place.view.rows(GROUPS, company="USMF")) == {"20", "80", "90"}


# Workbooks

LINK = (
    '<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    f' xmlns:r="{workbooks.RELATIONS}"><externalBook r:id="r1"/></externalLink>'
)
OUTSIDE = ' TargetMode="External"'


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            workbooks.workbook(
                parts={
                    "xl/externalLinks/externalLink1.xml": LINK,
                    "xl/externalLinks/_rels/externalLink1.xml.rels": workbooks.relations(
                        ("externalLinkPath", "file:///etc/passwd", OUTSIDE)
                    ),
                },
                links=[("externalLink", "externalLinks/externalLink1.xml", "")],
            ),
            id="a link to another file",
        ),
        pytest.param(
            workbooks.workbook(
                parts={"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" + bytes(600)},
                links=[("vbaProject", "vbaProject.bin", "")],
            ),
            id="macros",
        ),
        pytest.param(
            workbooks.workbook(
                parts={
                    "xl/worksheets/_rels/sheet1.xml.rels": workbooks.relations(
                        ("hyperlink", "http://127.0.0.1:1/x", OUTSIDE)
                    )
                },
                main=workbooks.sheet(
                    workbooks.GOOD_ROW,
                    inside='<hyperlinks><hyperlink ref="A2" r:id="r1"/></hyperlinks>',
                ),
            ),
            id="a link to a page",
        ),
        pytest.param(
            workbooks.workbook(
                workbooks.sheet(
                    (
                        text_cell("A", 2, "10"),
                        '<c r="B2" t="str"><f>WEBSERVICE("http://127.0.0.1:1/")</f><v>Wholesale</v></c>',
                    )
                )
            ),
            id="a formula that has been calculated",
        ),
    ],
)
def test_of_a_workbook_the_cells_alone_are_read_that_has(place, content):
    execution = place.import_package(workbooks.package(content)).json["value"]
    assert place.finish(execution) == "Succeeded"
    assert place.view.rows(GROUPS, company="USMF")["10"]["Description"] == "Wholesale"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            workbooks.workbook(
                '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
                + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 10))
                + "]>"
                + workbooks.sheet((text_cell("A", 2, "10"), text_cell("B", 2, "x"))).replace(
                    ">x<", ">&a9;<"
                )
            ),
            id="entities that multiply",
        ),
        pytest.param(
            workbooks.workbook(
                '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
                + workbooks.sheet((text_cell("A", 2, "10"), text_cell("B", 2, "x"))).replace(
                    ">x<", ">&a;<"
                )
            ),
            id="an entity that reads a file",
        ),
        pytest.param(
            workbooks.workbook(parts={"xl/media/image1.png": bytes(64 * MIB)}),
            id="a bomb in a picture",
        ),
        pytest.param(
            workbooks.workbook(parts={"xl/sharedStrings.xml": b"<x>" + b" " * (64 * MIB)}),
            id="a bomb in its texts",
        ),
        pytest.param(
            workbooks.workbook(parts={"../../evil.xml": b"x"}), id="a name that leaves it"
        ),
        pytest.param(
            workbooks.workbook("<a>" * 50_000 + "</a>" * 50_000), id="elements 50,000 deep"
        ),
    ],
)
def test_a_workbook_shows_nothing_and_takes_little_memory_with(place, content):
    url = place.upload(workbooks.package(content))
    with peak_memory() as at_most:
        execution = place.import_from(url).json["value"]
        state = place.finish(execution)
        at_most(96 * MIB)
    shown = place.view.executions.only()
    if state != "Failed":  # a reader may leave out what it does not know
        values = [row["Description"] for row in place.view.rows(GROUPS, company="USMF").values()]
        assert not any("root:" in value or len(value) > 60 for value in values)
    else:
        (error,) = shown.errors
        assert error["message"] in {WRONG_TYPE, NO_HEADER}


# Values

FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "+1",
    "-2+3",
    "'=x",
    "\t=1",
    '=HYPERLINK("x")',
)
TEXTS = (
    "\U0001f600\U0001f468\u200d\U0001f469",
    "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c",
    "e\u0301 \u0627\u0644\u0639\u0631\u0628",
    "\ufeffmark",
    "\u2028line\u2029",
    "\u0130\u00df\ufb03",
)
UNICODE_FORMATS = ("CSV-Unicode", "TAB-Unicode", "EXCEL", "XML-Element", "XML-Attribute")


@pytest.fixture
def exporting(server, request):
    """A workspace whose project writes Customer groups in the format of the test's parameter."""

    def make(source_format):
        projects = [
            {
                "name": "Out",
                "operation": "Export",
                "entities": [{"entity": GROUPS, "format": source_format}],
            }
        ]
        view = server.create_workspace(
            environment=ENVIRONMENT | {"dataProjects": projects, "data": []}
        )
        request.addfinalizer(lambda: server.drop_workspace(view.id))
        return Place(server, view)

    return make


def exported(place):
    execution = place.value(
        "ExportToPackage",
        definitionGroupId="Out",
        packageName="out",
        executionId="",
        reExecute=False,
        legalEntityId="USMF",
    )
    assert place.finish(execution) == "Succeeded"
    url = place.value("GetExportedPackageUrl", executionId=execution)
    return blob("GET", url).body


@pytest.mark.parametrize("source_format", UNICODE_FORMATS)
@pytest.mark.parametrize("texts", [FORMULAS, TEXTS], ids=["formulas", "scripts"])
def test_texts_are_stored_and_exported_as_they_came(exporting, source_format, texts):
    rows = [[f"K{n}", text] for n, text in enumerate(texts)]
    columns = ["CUSTOMERGROUPID", "DESCRIPTION"]
    content = written_packages.written(
        GROUPS, "CustCustomerGroupEntity", columns, rows, source_format
    )
    place = exporting(source_format)
    assert place.finish(place.import_package(content).json["value"]) == "Succeeded"
    kept = place.view.rows(GROUPS, company="USMF")
    assert [kept[key]["Description"] for key, _text in rows] == list(texts)
    out = exported(place)
    other = exporting(source_format)
    assert other.finish(other.import_package(out).json["value"]) == "Succeeded"
    again = other.view.rows(GROUPS, company="USMF")
    assert [again[key]["Description"] for key, _text in rows] == list(texts)
    if source_format == "EXCEL":
        (name,) = [one for one in zipfile.ZipFile(BytesIO(out)).namelist() if one.endswith("xlsx")]
        book = zipfile.ZipFile(BytesIO(zipfile.ZipFile(BytesIO(out)).read(name)))
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_formulas_in_plain_csv_are_written_without_a_change(exporting):
    data = "CUSTOMERGROUPID,DESCRIPTION\r\n" + "".join(
        f'K{n},"{text.replace(chr(34), chr(34) * 2)}"\r\n' for n, text in enumerate(FORMULAS)
    )
    place = exporting("CSV")
    assert (
        place.finish(place.import_package(package(data=data.encode())).json["value"]) == "Succeeded"
    )
    out = zipfile.ZipFile(BytesIO(exported(place))).read(f"{GROUPS}.csv").decode("cp1252")
    rows = csv.DictReader(out.splitlines())
    assert [row["DESCRIPTION"] for row in rows] == list(FORMULAS)


TYPED = {
    "name": "Typed",
    "type": "TypedEntity",
    "collection": "Typeds",
    "fields": [
        {"name": "Code", "size": 10},
        {"name": "Small", "type": "int"},
        {"name": "Large", "type": "int64"},
        {"name": "Amount", "type": "real"},
        {"name": "Day", "type": "date"},
        {"name": "Moment", "type": "datetime"},
        {"name": "Clock", "type": "time"},
        {"name": "Mark", "type": "guid"},
    ],
}


@pytest.fixture
def typed(server):
    view = server.create_workspace(environment=ENVIRONMENT | {"entities": [TYPED]})
    yield Place(server, view)
    server.drop_workspace(view.id)
    server.workspaces.wait_until_swept()


def one_value(column, value):
    rows = (("K", value),)
    return builders.package(builders.Table("Typed", ("CODE", column), rows, "TypedEntity"))


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("SMALL", "2147483647", 2**31 - 1),
        ("SMALL", "-2147483648", -(2**31)),
        ("LARGE", "9223372036854775807", 2**63 - 1),
        ("LARGE", "-9223372036854775808", -(2**63)),
        ("LARGE", "+000000000000000000001", 1),
        ("AMOUNT", "9" * 25, 1e25),
        ("AMOUNT", "-0", 0.0),
        ("AMOUNT", ".0000001", 0.0),
        ("DAY", "1900-01-01", "1900-01-01"),
        ("DAY", "2154-12-31 23:59:59", "2154-12-31"),
        ("DAY", "2000-02-29", "2000-02-29"),
        ("MOMENT", "2154-12-31 23:59:59", "2154-12-31 23:59:59"),
        ("MOMENT", "1900-01-01T01:00:00+01:00", "1900-01-01 00:00:00"),
        ("CLOCK", "23:59:59", 86399),
        ("CLOCK", "86399", 86399),
        (
            "MARK",
            "{FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF}",
            "{FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF}",
        ),
    ],
)
def test_the_last_value_within_a_type_is_kept(typed, column, value, kept):
    assert typed.finish(typed.import_package(one_value(column, value)).json["value"]) == "Succeeded"
    (row,) = typed.view.rows("Typed", company="USMF").values()
    assert row[column.capitalize()] == kept


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("SMALL", "2147483648", "DMF2018"),
        ("SMALL", "-2147483649", "DMF2018"),
        ("LARGE", "9223372036854775808", "DMF2018"),
        ("LARGE", "-9223372036854775809", "DMF2018"),
        ("LARGE", "18446744073709551616", "DMF2018"),
        ("LARGE", "0x10", "DMF2018"),
        ("LARGE", "1e3", "DMF2018"),
        ("AMOUNT", "1" + "0" * 26, "DMF2018"),
        ("AMOUNT", "1e308", "DMF2018"),
        ("AMOUNT", "-1e309", "DMF2018"),
        ("AMOUNT", "0x1p3", "DMF2018"),
        ("DAY", "1899-12-31", "DMF2016"),
        ("DAY", "2155-01-01", "DMF2016"),
        ("DAY", "1900-02-29", "DMF2016"),
        ("DAY", "0001-01-01", "DMF2016"),
        ("MOMENT", "1900-01-01T00:00:00+00:01", "DMF2016"),
        ("MOMENT", "2154-12-31T23:59:59-00:01", "DMF2016"),
        ("MOMENT", "9999-12-31T23:59:59-99:99", "DMF2016"),
        ("CLOCK", "24:00:00", "DMF2016"),
        ("CLOCK", "86400", "DMF2016"),
        ("CLOCK", "-1", "DMF2016"),
        ("MARK", "{FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFG}", "DMF2018"),
    ],
)
def test_the_first_value_beyond_a_type_fails_the_load(typed, column, value, code):
    execution = typed.import_package(one_value(column, value)).json["value"]
    assert typed.finish(execution) == "Failed"
    staged, error = typed.view.executions.only().errors
    assert staged["message"] == "'0' 'Typed' record(s) inserted in staging."
    assert error["message"].startswith(f"{code}: ")
    assert error["field"] == column
    assert len(typed.view.rows("Typed")) == 0
