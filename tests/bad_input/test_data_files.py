"""Data files that cannot be read: the call takes the package, the entity fails, no row is touched.

Which failures the product finds at the call and which only later: documented for the first, and
reported by clients for most of the others.
"""

from __future__ import annotations

import json

import pytest

import builders
from bad_input import packages
from bad_input.packages import DATA, manifest, of_format, package, zipped
from bad_input.support import GROUPS, assert_action_refusal, blob, peak_memory

pytestmark = pytest.mark.evidence("documented")

HEAD = "CUSTOMERGROUPID,DESCRIPTION\r\n"
ROW = "10,Wholesale\r\n"
MARK = b"\xff\xfe"

NOT_UNICODE = "Selected file is not Unicode"
WRONG_TYPE = "DMF1855: The type of the file does not fit the source format"
EMPTY = "DMF2053: Import file empty"
NO_HEADER = "FF004: The header row is missing in the input file"
DELIMITER = "DMF1999: The delimiter of the source format is not in the input file"
RAGGED = "DMF2050: A row has another number of values than the header"
MISMATCH = "DMF1966: The columns of the input file and the mapping do not match"
NO_COLUMN = "DMF2025: Column not found in the input file"
NOT_XML = "XML is not in correct format-Exception from HRESULT: 0xC0010009"

# What an import that fails at the source may leave behind; never rows, blobs or held packages.
TRACES = ("executions", "projects", "errors", "progress")
ERROR_FILE = ("blobs", "content")
"""The file of the records that failed in staging is a blob."""


def csv(text):
    return package(data=text.encode())


def utf16(text):
    return MARK + text.encode("utf-16-le")


def unicode_csv(octets):
    return of_format("CSV-Unicode", octets)


def xml(text):
    return of_format("XML-Element", text.encode(), "groups.xml")


SOURCES = [
    pytest.param(unicode_csv((HEAD + ROW).encode()), NOT_UNICODE, id="UTF-8 for UTF-16"),
    pytest.param(
        unicode_csv((HEAD + ROW).encode("utf-16-le")), NOT_UNICODE, id="UTF-16 without its mark"
    ),
    pytest.param(
        unicode_csv(b"\xfe\xff" + (HEAD + ROW).encode("utf-16-be")),
        NOT_UNICODE,
        id="UTF-16 of the other byte order",
    ),
    pytest.param(unicode_csv(b""), NOT_UNICODE, id="nothing for UTF-16"),
    pytest.param(unicode_csv(MARK), NO_HEADER, id="the mark of UTF-16 alone"),
    pytest.param(unicode_csv(utf16(HEAD + ROW)[:-1]), WRONG_TYPE, id="half a character at the end"),
    pytest.param(
        unicode_csv(utf16(HEAD + "10,\U0001f4e6")[:-2]),
        WRONG_TYPE,
        id="half of a surrogate pair at the end",
    ),
    pytest.param(
        unicode_csv(utf16(HEAD + "10,") + b"\x00\xd8" + ROW.encode("utf-16-le")),
        WRONG_TYPE,
        id="half of a surrogate pair in the middle",
    ),
    pytest.param(package(data=utf16(HEAD + ROW)), WRONG_TYPE, id="UTF-16 for a code page"),
    pytest.param(csv(HEAD + "10,Whole\0sale\r\n"), WRONG_TYPE, id="a NUL in a value"),
    pytest.param(csv("CUSTOMER\0GROUPID,DESCRIPTION\r\n" + ROW), WRONG_TYPE, id="a NUL in a name"),
    pytest.param(csv(HEAD + ROW + "\0" * 5000), WRONG_TYPE, id="NULs to the end"),
    pytest.param(package(data=bytes(100_000)), WRONG_TYPE, id="nothing but NULs"),
    pytest.param(csv(""), NO_HEADER, id="an empty file"),
    pytest.param(package(data=b"\xef\xbb\xbf"), NO_HEADER, id="the mark of UTF-8 alone"),
    pytest.param(csv("\r\n\r\n\r\n"), NO_HEADER, id="blank lines alone"),
    pytest.param(csv("\r\n" + HEAD + ROW), NO_HEADER, id="a blank line before the header"),
    pytest.param(csv(HEAD), EMPTY, id="a header alone"),
    pytest.param(csv(HEAD.rstrip()), EMPTY, id="a header without a line end"),
    pytest.param(csv("A,B\r\n" + ROW), MISMATCH, id="a header of other columns"),
    pytest.param(csv(ROW * 3), MISMATCH, id="no header"),
    pytest.param(
        csv("GROUP,DESCRIPTION\r\n" + ROW),
        f"{NO_COLUMN}: CUSTOMERGROUPID",
        id="a header that lacks a mapped column",
    ),
    pytest.param(
        csv("CUSTOMERGROUPID,CUSTOMERGROUPID,DESCRIPTION\r\n10,20,x\r\n"),
        MISMATCH,
        id="a mapped column twice",
    ),
    pytest.param(csv((HEAD + ROW).replace(",", ";")), DELIMITER, id="semicolons"),
    pytest.param(csv((HEAD + ROW).replace(",", "\t")), DELIMITER, id="tabs"),
    pytest.param(csv(HEAD + ROW + "20\r\n"), RAGGED, id="a row that is short"),
    pytest.param(csv(HEAD + ROW + "20,x,y\r\n"), RAGGED, id="a row that is long"),
    pytest.param(csv(HEAD + "20,x\r\n\r\n30,y\r\n"), RAGGED, id="a blank row"),
    pytest.param(csv(HEAD + '10,"Wholesale\r\n20,x\r\n'), RAGGED, id="a quote never closed"),
    pytest.param(csv(HEAD + '10,"x"y\r\n'), RAGGED, id="letters behind a closed quote"),
    pytest.param(csv(HEAD + f"10,{'x' * 200_000}\r\n"), RAGGED, id="a value of 200,000 letters"),
    pytest.param(
        of_format("EXCEL", (HEAD + ROW).encode(), "groups.xlsx"),
        WRONG_TYPE,
        id="a text for a workbook",
    ),
    pytest.param(
        of_format("EXCEL", package(), "groups.xlsx"), WRONG_TYPE, id="another zip for a workbook"
    ),
    pytest.param(
        of_format("EXCEL", packages.unreadable_workbook(), "groups.xlsx"),
        WRONG_TYPE,
        id="a workbook without sheets",
    ),
    pytest.param(xml(HEAD + ROW), NOT_XML, id="a text for XML"),
    pytest.param(xml("<Document><A></Document>"), NOT_XML, id="XML that is not well-formed"),
    pytest.param(
        xml('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document>&a;</Document>'),
        NOT_XML,
        id="XML that wants to read a file",
    ),
    pytest.param(of_format("No such format", b"x"), WRONG_TYPE, id="a format nobody knows"),
    pytest.param(of_format("", b"x"), WRONG_TYPE, id="no format"),
    pytest.param(
        package(manifest=manifest(("<EntityField>DESCRIPTION<", "<EntityField><"))),
        MISMATCH,
        id="a map to no field",
    ),
    pytest.param(
        package(manifest=manifest(("<EntityField>DESCRIPTION<", "<EntityField>CUSTOMERGROUPID<"))),
        MISMATCH,
        id="two maps to one field",
    ),
    pytest.param(
        package(manifest=manifest(("<XMLField>DESCRIPTION<", "<XMLField><"))),
        f"{NO_COLUMN}: ",
        id="a map from no column",
    ),
]


@pytest.mark.parametrize(("content", "message"), SOURCES)
def test_a_file_with(place, content, message):
    url = place.upload(content)
    with place.changing(*TRACES):
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"
    shown = place.view.executions.only()
    (entity,) = shown.entities
    assert entity["entity"] == GROUPS
    assert (entity["stagingStatus"], entity["targetStatus"]) == ("Error", "NotRun")
    assert [error["message"] for error in shown.errors] == [message]
    # Files that cannot be read are in no list of errors (recorded).
    assert place.value("GetExecutionErrors", executionId=execution) == "[]"


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        pytest.param("10,x\r\n20,y\r\n10,z\r\n", "10,z\r\n", id="two rows of one key"),
        pytest.param("10,x\r\n10,x\r\n", "10,x\r\n", id="the same row twice"),
        pytest.param("ab,x\r\nAB,y\r\n", "AB,y\r\n", id="keys that differ by case alone"),
        pytest.param("80,x\r\n80,y\r\n", "80,y\r\n", id="a key twice that exists already"),
    ],
)
def test_a_load_with(place, text, repeated):
    """As the product's bulk load: nothing of the entity is staged."""
    url = place.upload(csv(HEAD + text))
    with place.changing(*TRACES, *ERROR_FILE):
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"
    file = place.value("GetImportStagingErrorFileUrl", executionId=execution, entityName=GROUPS)
    assert blob("GET", file).body == (HEAD + repeated).encode()
    errors = json.loads(place.value("GetExecutionErrors", executionId=execution))
    told = [(error["Field"], error["ErrorMessage"].strip()) for error in errors]
    assert told == [
        ("", f"'0' '{GROUPS}' record(s) inserted in staging."),
        (
            "CUSTOMERGROUPID",
            f"DMF1959: PrimaryKeyViolation: two rows of {GROUPS} have the same key.",
        ),
    ]


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        pytest.param(
            ",x", "CUSTOMERGROUPID", "Field 'Customer group' must be filled in.", id="no key"
        ),
        pytest.param(
            "12345678901,x",
            "CUSTOMERGROUPID",
            "DMF2018: The value '12345678901' in field 'Customer group' is longer than 10"
            " characters.",
            id="a key that is too long",
            marks=pytest.mark.evidence("documented"),
        ),
    ],
)
def test_a_row_with(place, row, field, message):
    """That row fails alone."""
    execution = place.import_package(csv(f"{HEAD}{row}\r\n20,y\r\n")).json["value"]
    assert place.finish(execution) == "PartiallySucceeded"
    (error,) = json.loads(place.value("GetExecutionErrors", executionId=execution))
    assert (error["RecordId"], error["Field"]) == ("1", field)
    assert error["ErrorMessage"].strip() == message
    assert set(place.view.rows(GROUPS, company="USMF")) == {"20", "80", "90"}


@pytest.mark.evidence("client")
def test_lines_that_end_in_lf_alone_are_refused_at_the_call(place):
    url = place.upload(unicode_csv(utf16((HEAD + ROW).replace("\r\n", "\n"))))
    with place.changing():
        answer = place.import_from(url)
        text = answer.json["error"]["innererror"]["message"]
        told = text.partition("DataManagementDefinitionGroup: ")[2]
        assert told.startswith("the mapping is incorrect for entity Customer groups and field {")
        assert_action_refusal(answer, "ImportFromPackage", told)


@pytest.mark.parametrize("missing", [0, 1], ids=["first", "second"])
def test_of_two_data_files_the_missing_one_fails_and_the_other_is_imported(place, missing):
    present = packages.TWO_TABLES[1 - missing]
    absent = packages.TWO_TABLES[missing]
    content = zipped(
        {
            present.file: present.csv,
            "Manifest.xml": builders.manifest(packages.TWO_TABLES, "Project").encode(),
            "PackageHeader.xml": packages.header(),
        }
    )
    execution = place.import_package(content).json["value"]
    assert place.finish(execution) == "PartiallySucceeded"
    shown = {one["entity"]: one for one in place.view.executions.only().entities}
    assert shown[absent.entity]["stagingStatus"] == "Error"
    assert shown[absent.entity]["targetStatus"] == "NotRun"
    assert shown[present.entity]["targetRecordsCreated"] == len(present.rows)
    (error,) = place.view.executions.only().errors
    assert (
        error["message"] == f"The file {absent.file} of the manifest was not found in the package."
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("/etc/passwd", id="an absolute path"),
        pytest.param("../../../../../../etc/passwd", id="a way up"),
        pytest.param("\\\\server\\share\\x.csv", id="a share"),
        pytest.param("file:///etc/passwd", id="a URL"),
        pytest.param("http://127.0.0.1/x.csv", id="a URL of another server"),
        pytest.param("", id="nothing"),
        pytest.param(".", id="the folder"),
        pytest.param("Resources/", id="another folder"),
    ],
)
def test_a_manifest_that_names_its_file_by(place, name):
    """Files are looked for in the zip and nowhere else: this one has none."""
    url = place.upload(
        package(manifest=manifest((f"<InputFilePath>{DATA}<", f"<InputFilePath>{name}<")))
    )
    with place.changing():
        execution = place.import_from(url).json["value"]
        assert place.act("GetExecutionSummaryStatus", executionId=execution).status == 400


def test_a_manifest_that_names_itself_as_the_data_file_reads_nothing(place):
    text = manifest((f"<InputFilePath>{DATA}<", "<InputFilePath>Manifest.xml<"))
    url = place.upload(package(manifest=text))
    with place.changing(*TRACES):
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"


@pytest.mark.evidence("client")
def test_without_maps_the_import_succeeds_and_reads_nothing(place):
    text = manifest(("<EntityMapList>", "<Other>"), ("</EntityMapList>", "</Other>"))
    url = place.upload(package(manifest=text))
    with place.changing("executions", "projects", "progress"):
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Succeeded"


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b'10,"' + b"x" * 100 + b"\r\n", id="a quote never closed, line after line"),
        pytest.param(b'"x","y" ', id="one line without end"),
        pytest.param(b'"",', id="empty values without end"),
    ],
)
def test_a_file_of_64_mb_of(place, piece):
    """Found to be broken within bounded memory; the ratio of the zip is an honest one."""
    size = 64 << 20
    data = HEAD.encode() + piece * (size // len(piece))
    url = place.upload(zipped(packages.files(data=data), compression=0))
    del data
    with place.changing(*TRACES), peak_memory() as at_most:
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"
        at_most(64 << 20)
    (error,) = place.view.executions.only().errors
    assert error["message"] == RAGGED


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("source_format", ["PACKAGE"])
def test_a_format_that_is_not_built_is_named(place, source_format):
    url = place.upload(of_format(source_format, b"x"))
    with place.changing():
        answer = place.import_from(url)
        assert answer.status == 501
        assert source_format in answer.json["error"]["innererror"]["message"]


NUMBERS = (
    "9" * 5000,
    "-" + "9" * 19,
    "1e400",
    "NaN",
    "Infinity",
    "1_0",
    "\u0663",
    "--1",
    "1.2.3",
    "x",
)
REALS = tuple(number for number in NUMBERS if "99999999" not in number or len(number) > 100)
DATES = ("9" * 5000, "9999-99-99", "0000-00-00", "99999-01-01 00:00:00", "NaN", "soon", "\u0661")


@pytest.mark.parametrize(
    ("label", "key", "field", "code", "values"),
    [
        pytest.param("Cash discount", "CASHDISCOUNTCODE", "NUMBEROFDAYS", "DMF2018", NUMBERS),
        pytest.param("Cash discount", "CASHDISCOUNTCODE", "PERCENT", "DMF2018", REALS),
        pytest.param("Bank accounts", "BANKACCOUNTID", "ACTIVEFROM", "DMF2016", DATES),
        pytest.param("Bank accounts", "BANKACCOUNTID", "BANKACCOUNTSTATUS", "DMF021", NUMBERS),
        pytest.param("Country/regions", "COUNTRYREGION", "USEZIPPLUS4", "DMF021", NUMBERS),
    ],
    ids=["a whole number", "a number", "a time", "an enumeration", "yes or no"],
)
def test_values_that_are_not(place, label, key, field, code, values):
    """Each bad value is told by its row, and none of the load is staged."""
    rows = tuple((f"K{n}", value) for n, value in enumerate(values))
    table = builders.Table(label.replace("/", ""), (key, field), rows)
    text = builders.manifest((table,), "Project").replace(
        f"<EntityName>{table.entity}<", f"<EntityName>{label}<"
    )
    content = {
        table.file: table.csv,
        "Manifest.xml": text.encode(),
        "PackageHeader.xml": packages.header(),
    }
    execution = place.import_package(zipped(content)).json["value"]
    assert place.finish(execution) == "Failed"
    errors = place.view.executions.only().errors
    told = {error["recordId"] for error in errors if error["message"].startswith(f"{code}: ")}
    assert told == {str(n) for n in range(1, len(rows) + 1)}, errors
    assert all(len(error["message"]) < 500 for error in errors)
    assert len(place.view.rows(label)) == 0
