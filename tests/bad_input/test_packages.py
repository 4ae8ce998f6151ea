"""Packages that cannot be taken: the import call refuses them, and nothing of them is left."""

from __future__ import annotations

import re
import zipfile

import pytest

import builders
from bad_input import packages
from bad_input.packages import DATA, header, manifest, package, zipped
from bad_input.support import assert_action_refusal, peak_memory

pytestmark = pytest.mark.evidence("inferred")

UPPER_GUID = "[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"
NO_HEADER, NO_MANIFEST = "PackageHeader.xml", "Manifest.xml"


def assert_file_missing(answer, file_name):
    """The recorded text: the service looks for a file that it has unpacked, whatever is wrong."""
    text = answer.json["error"]["innererror"]["message"].rpartition(": Could")[2]
    missing = rf" not find file 'C:\\windows\\TEMP\\{UPPER_GUID}_{UPPER_GUID}\\{file_name}'\."
    assert re.fullmatch(missing, text), text
    assert_action_refusal(answer, "ImportFromPackage", f"Could{text}")


def good():
    return package()


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("content", "missing"),
    [
        pytest.param(b"", NO_HEADER, id="nothing in it"),
        pytest.param(b"CUSTOMERGROUPID\r\n10\r\n", NO_HEADER, id="a text"),
        pytest.param(b"PK\x03\x04" + bytes(100), NO_HEADER, id="the beginning of a zip alone"),
        pytest.param(package()[:-30], NO_HEADER, id="the end cut off"),
        pytest.param(b"PK\x05\x06" + bytes(18), NO_HEADER, id="an empty zip"),
        pytest.param(b"7z\xbc\xaf\x27\x1c" + bytes(100), NO_HEADER, id="another archive"),
        pytest.param(packages.unreadable_workbook(), NO_HEADER, id="a workbook"),
        pytest.param(package(header=None), NO_HEADER, id="no header"),
        pytest.param(package(manifest=None), NO_MANIFEST, id="no manifest"),
        pytest.param(package(header=None, manifest=None), NO_HEADER, id="no control file"),
        pytest.param(packages.in_folder("Project/"), NO_HEADER, id="everything in a folder"),
        pytest.param(packages.in_folder("a/b/"), NO_HEADER, id="everything in two folders"),
        pytest.param(packages.in_folder("a\\"), NO_HEADER, id="a folder as Windows writes it"),
        pytest.param(packages.two_directories(), NO_HEADER, id="a second, empty directory"),
        pytest.param(package() + bytes(70_000), NO_HEADER, id="70 kB of nothing behind it"),
    ],
)
def test_a_package_with(place, content, missing):
    url = place.upload(content)
    with place.changing():
        assert_file_missing(place.import_from(url), missing)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(
            package(manifest=b"DefinitionGroupName=Project"),
            r"Manifest\.xml: not well-formed: .*",
            id="a manifest that is no XML",
        ),
        pytest.param(
            package(manifest=b""), r"Manifest\.xml: not well-formed: .*", id="an empty manifest"
        ),
        pytest.param(
            package(manifest=manifest()[:-40]),
            r"Manifest\.xml: not well-formed: .*",
            id="a manifest that is cut off",
        ),
        pytest.param(
            package(manifest=bytes(1000)),
            r"Manifest\.xml: not well-formed: .*",
            id="a manifest of NUL octets",
        ),
        pytest.param(
            package(header=b"x"), r"PackageHeader\.xml: not well-formed: .*", id="no XML header"
        ),
        pytest.param(
            package(header=manifest()),
            r"PackageHeader\.xml: the root is .*, not DataManagementPackageHeader of .*",
            id="a manifest for a header",
        ),
        pytest.param(
            package(header=header(("DataManagementPackageHeader", "Header"))),
            r"PackageHeader\.xml: the root is .*",
            id="a header of another root",
        ),
        pytest.param(
            package(manifest=manifest(("/2015/01/", "/2016/01/"))),
            r"Manifest\.xml: the root is .*",
            id="a manifest of another namespace",
        ),
        pytest.param(
            package(manifest=manifest((f' xmlns="{builders.NAMESPACE}"', ""))),
            r"Manifest\.xml: the root is .*",
            id="a manifest without namespace",
        ),
        pytest.param(
            package(manifest=b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + manifest()),
            r"Manifest\.xml: a document type declaration is not allowed",
            id="a document type",
        ),
        pytest.param(
            package(
                manifest=b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
                + b"".join(
                    f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">'.encode() for n in range(1, 9)
                )
                + b"]>"
                + manifest((">Project<", ">&a8;<"))
            ),
            r"Manifest\.xml: a document type declaration is not allowed",
            id="entities that multiply",
        ),
        pytest.param(
            package(
                header=b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
                + header((">Project<", ">&a;<"))
            ),
            r"PackageHeader\.xml: a document type declaration is not allowed",
            id="an entity that reads a file",
        ),
        pytest.param(
            package(manifest=b'<?xml version="1.0" encoding="rot13"?>' + manifest()),
            r"Manifest\.xml: (unusable encoding|not well-formed): .*",
            id="an encoding that is none",
        ),
        pytest.param(
            package(manifest=b'<?xml version="1.0" encoding="utf-16"?>' + manifest()),
            r"Manifest\.xml: (unusable encoding|not well-formed): .*",
            id="an encoding that is not the octets'",
        ),
        pytest.param(
            package(manifest=b"<a>" * 200),
            r"Manifest\.xml: .*",
            id="elements nested without end",
        ),
        pytest.param(
            zipped(
                packages.files(manifest=manifest(("<Disable>", f"<Disable x='{'y' * 3_000_000}"))),
                zipfile.ZIP_STORED,
            ),
            r"Manifest\.xml: one tag is longer than 1048576 bytes",
            id="a tag without end",
        ),
        pytest.param(
            package(manifest=manifest(("<ExecutionUnit>1<", "<ExecutionUnit>one<"))),
            r"Manifest\.xml: ExecutionUnit is 'one', not a whole number",
            id="a word for a number",
        ),
        pytest.param(
            package(manifest=manifest(("<SequenceInLevel>1<", "<SequenceInLevel>99999999999<"))),
            r"Manifest\.xml: SequenceInLevel is '99999999999', not a whole number",
            id="a number beyond all",
        ),
        pytest.param(
            package(manifest=manifest(("<Disable>false<", "<Disable>maybe<"))),
            r"Manifest\.xml: Disable is 'maybe', not true or false",
            id="a word for true",
        ),
        pytest.param(
            packages.beside("../evil.txt"),
            r"the name '\.\./evil\.txt' leaves the folder of the package",
            id="a name with a way up",
        ),
        pytest.param(
            packages.beside("a/../../evil.txt"),
            r"the name '.*' leaves the folder of the package",
            id="a way up in the middle of a name",
        ),
        pytest.param(
            packages.beside("..\\evil.txt"),
            r"the name '.*' leaves the folder of the package",
            id="a way up as Windows writes it",
        ),
        pytest.param(
            packages.beside("/etc/evil"), r"the name '/etc/evil' leaves .*", id="an absolute name"
        ),
        pytest.param(
            packages.beside("\\\\server\\x"), r"the name '.*' leaves .*", id="a name on a share"
        ),
        pytest.param(packages.beside("C:\\x"), r"the name '.*' leaves .*", id="a name on a drive"),
        pytest.param(
            packages.beside("c:x"), r"the name 'c:x' leaves .*", id="a drive without a folder"
        ),
        pytest.param(
            packages.beside("CUSTOMER GROUPS.CSV"),
            r"the package has two files of the name 'CUSTOMER GROUPS\.CSV'",
            id="two names that differ by case alone",
        ),
        pytest.param(
            packages.encrypted(), r"Customer groups\.csv is encrypted", id="an encrypted file"
        ),
        pytest.param(
            packages.of_method(9),
            r"Customer groups\.csv is compressed by method 9",
            id="a compression of 64-bit deflate",
        ),
        pytest.param(
            packages.of_method(99),
            r"Customer groups\.csv is compressed by method 99",
            id="a compression that there is not",
        ),
        pytest.param(
            zipped(packages.files(), zipfile.ZIP_LZMA),
            r"Customer groups\.csv is compressed by method 14",
            id="LZMA",
        ),
        pytest.param(
            packages.bomb(),
            r"Customer groups\.csv expands beyond 200 times its compressed size",
            id="a bomb",
        ),
        pytest.param(
            packages.bomb("Manifest.xml"),
            r"Manifest\.xml expands beyond 200 times its compressed size",
            id="a bomb for a manifest",
        ),
        pytest.param(
            packages.too_large_in_all(),
            r"the package expands to \d+ bytes; the limit is \d+",
            id="files that are too large together",
        ),
        pytest.param(
            packages.of_many_files(12_000),
            r"the package has 12003 files; the limit is 12000",
            id="12,003 files",
        ),
    ],
)
def test_a_package_that_holds(place, content, text):
    url = place.upload(content)
    with place.changing(), peak_memory() as at_most:
        answer = place.import_from(url)
        at_most(64 << 20)
        message = answer.json["error"]["innererror"]["message"]
        told = message.partition("DataManagementDefinitionGroup: ")[2]
        assert re.fullmatch(text, told), told
        assert_action_refusal(answer, "ImportFromPackage", told)


def test_a_name_that_is_there_twice_is_refused(place):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = packages.beside(DATA)
    url = place.upload(content)
    with place.changing():
        assert_action_refusal(
            place.import_from(url),
            "ImportFromPackage",
            f"the package has two files of the name '{DATA}'",
        )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"x" * 5000 + package(), id="in front, as of a program that unpacks itself"),
        pytest.param(package() + b"x" * 100, id="behind"),
    ],
)
def test_octets_that_belong_to_no_file_do_no_harm(place, content):
    execution = place.import_package(content).json["value"]
    assert place.finish(execution) == "Succeeded"
    assert len(place.view.rows("Customer groups", company="USMF")) == 5


def damaged():
    """The first octets of the data file's content are others."""
    content = package()
    start = content.find(DATA.encode()) + len(DATA)
    return content[:start] + b"\xff" * 8 + content[start + 8 :]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(damaged(), id="is damaged in the zip"),
        pytest.param(packages.lying_bomb(), id="is larger than the directory says"),
    ],
)
def test_a_data_file_that(place, content):
    """The directory is sound: only unpacking finds it, and only this entity fails."""
    url = place.upload(content)
    with place.changing("executions", "projects", "errors", "progress"), peak_memory() as at_most:
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"
        at_most(64 << 20)
    (entity,) = place.view.executions.only().entities
    assert (entity["stagingStatus"], entity["targetStatus"]) == ("Error", "NotRun")
    (error,) = place.view.executions.only().errors
    assert error["message"] == "Customer groups.csv is damaged in the package"


class TestRefusing:
    @pytest.fixture
    def settings(self):
        return {"unknownEntities": "refuse"}

    @pytest.mark.evidence("client")
    @pytest.mark.parametrize(
        "label",
        [
            pytest.param("Moon phases", id="nobody knows"),
            pytest.param("Customer group", id="almost a known one"),
            pytest.param("x' OR '1'='1", id="a condition"),
            pytest.param("\u6771\u4eac", id="letters beyond ASCII"),
            pytest.param("x" * 10_000, id="10,000 letters"),
        ],
    )
    def test_an_entity_that_is(self, place, label):
        table = builders.Table(label, ("A",), (("1",),), "NobodyKnowsEntity")
        url = place.upload(builders.package(table))
        with place.changing():
            answer = place.import_from(url)
            assert_action_refusal(
                answer,
                "ImportFromPackage",
                f"Entity {label} does not exist in the target environment",
            )

    def test_a_known_one_beside_an_unknown_one_is_not_imported_either(self, place):
        unknown = builders.Table("Moon phases", ("A",), (("1",),), "NobodyKnowsEntity")
        url = place.upload(builders.package(builders.CUSTOMER_GROUPS, unknown))
        with place.changing():
            assert place.import_from(url).status == 400


def test_nothing_is_learnt_from_a_package_that_is_refused(place):
    """The project exists and may not be overwritten: the unknown entity stays unknown."""
    assert place.import_package(builders.package()).status == 200
    unknown = builders.Table("Moon phases", ("A",), (("1",),), "NobodyKnowsEntity")
    url = place.upload(builders.package(unknown), "other.zip")
    with place.changing():
        answer = place.import_from(url, overwrite=False)
        assert_action_refusal(
            answer,
            "ImportFromPackage",
            "The data project 'Imported' exists and overwrite has not been specified.",
        )
    assert place.view.parts.catalogue.find("Moon phases") is None


@pytest.mark.parametrize(
    ("label", "target"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param(" ", "", id="a blank"),
        pytest.param("", "SomeEntity", id="no label"),
        pytest.param("'; DROP TABLE physical; --", 'x"; --', id="statements"),
        pytest.param("../../x", "../y", id="a way up"),
        pytest.param("x" * 20_000, "y" * 20_000, id="20,000 letters"),
        pytest.param("\u0130\u00df\ufb03", "\u00e4", id="letters that fold to others"),
    ],
)
def test_an_unknown_entity_that_is_called(place, label, target):
    """Learnt like any other: a name is a text, not a statement, a path or an accident."""
    table = builders.Table(label, ("A", "B"), (("1", "2"),), target.replace('"', "&quot;"))
    text = builders.manifest((table,), "Project")
    text = text.replace(f"<InputFilePath>{label}.csv<", "<InputFilePath>data.csv<")
    content = {
        "data.csv": table.csv,
        "Manifest.xml": text.encode(),
        "PackageHeader.xml": header(),
    }
    execution = place.import_package(zipped(content)).json["value"]
    assert place.finish(execution) == "Succeeded"
    (entity,) = place.view.executions.only().entities
    assert (entity["entity"], entity["targetRecordsCreated"]) == (label.strip(), 1)
    assert place.view.parts.catalogue.find(label.strip()) is not None


@pytest.mark.parametrize(
    "column",
    [
        pytest.param('x" TEXT); DROP TABLE physical; --', id="a statement"),
        pytest.param("_key", id="a name of the database's own"),
        pytest.param("execution", id="another of its names"),
        pytest.param("rowid", id="the database's number of a row"),
        pytest.param("x" * 10_000, id="10,000 letters"),
        pytest.param("\u6771\u4eac", id="letters beyond ASCII"),
    ],
)
def test_an_unknown_column_that_is_called(place, column):
    from xml.sax.saxutils import escape

    text = manifest(("DESCRIPTION", escape(column)))
    data = f'CUSTOMERGROUPID,"{column.replace(chr(34), chr(34) * 2)}"\r\n10,value\r\n'.encode()
    answer = place.import_package(package(manifest=text, data=data))
    assert place.finish(answer.json["value"]) == "Succeeded"
    row = place.view.rows("Customer groups", company="USMF")["10"]
    assert "value" in row.values()


def test_a_package_without_entities_leads_to_no_execution(place):
    url = place.upload(packages.without_entities())
    with place.changing():
        execution = place.import_from(url).json["value"]
        assert place.act("GetExecutionSummaryStatus", executionId=execution).status == 400


@pytest.mark.evidence("client")
@pytest.mark.parametrize("members", [{}, {"executionId": "own id"}], ids=["made", "own"])
def test_without_any_data_file_an_id_is_returned_that_is_never_found(place, members):
    url = place.upload(package(data=None))
    with place.changing():
        execution = place.import_from(url, **members).json["value"]
        assert execution
        for _ in range(3):
            assert_action_refusal(
                place.act("GetExecutionSummaryStatus", executionId=execution),
                "GetExecutionSummaryStatus",
                f"Execution details were not found for execution id: {execution}",
            )
            place.view.clock.advance("10m")
        assert place.value("GetExecutionErrors", executionId=execution) == "[]"
