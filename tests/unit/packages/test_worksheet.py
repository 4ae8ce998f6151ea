"""What workbooks hold beyond texts, told alike by the reader in memory and the streaming one."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import pytest

from d365fo_emulator.packages.errors import SourceUnreadable
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.formats.model import Shape

pytestmark = pytest.mark.evidence("inferred")

READERS = pytest.mark.parametrize(
    "reader", [Excel(), Excel(largest_in_memory=0)], ids=["in memory", "streaming"]
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
FORMATS = ("General", "yyyy\\-mm\\-dd", '[Red]0"d"', "[h]:mm", "[$-409]d/m/yy;@", '0.0" kg"')


def parts(rows, strings="", sheet="", book="", **more):
    """The parts of a workbook of two sheets, of which the second is hidden."""
    xfs = "".join(f'<xf numFmtId="{200 + at}"/>' for at in range(len(FORMATS)))
    codes = "".join(
        f'<numFmt numFmtId="{200 + at}" formatCode="{code.replace(chr(34), "&quot;")}"/>'
        for at, code in enumerate(FORMATS)
    )
    made = {
        "[Content_Types].xml": f'<Types xmlns="{TYPES}"/>',
        "_rels/.rels": (
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="a" Type="{RELATIONS}'
            '/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{book}<sheets>'
            '<sheet name="One" sheetId="1" r:id="r1"/>'
            '<sheet name="Two" sheetId="2" state="hidden" r:id="r2"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{PACKAGE}">'
            f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{RELATIONS}/worksheet" Target="/xl/worksheets/b.xml"/>'
            f'<Relationship Id="r3" Type="{RELATIONS}/styles" Target="styles.xml"/>'
            f'<Relationship Id="r4" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
            f'<Relationship Id="r5" Type="{RELATIONS}/externalLink" TargetMode="External"'
            ' Target="http://127.0.0.1:1/x"/></Relationships>'
        ),
        "xl/styles.xml": (
            f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts>'
            f'<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>{xfs}</cellXfs></styleSheet>'
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        "xl/worksheets/sheet1.xml": (
            f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>A</t>'
            f'</is></c><c r="B1" t="inlineStr"><is><t>B</t></is></c></row>{rows}</sheetData>{sheet}'
            "</worksheet>"
        ),
        "xl/worksheets/b.xml": (
            f'<worksheet xmlns="{MAIN}"><sheetData>'
            '<row><c t="inlineStr"><is><t>H</t></is></c></row>'
            "<row><c><v>7</v></c></row></sheetData></worksheet>"
        ),
    }
    return made | more


def workbook(*args, **kwargs):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts(*args, **kwargs).items():
            archive.writestr(name, content)
    return target.getvalue()


def read(reader, content, sheet=""):
    table = reader.read(io.BytesIO(content), Shape(sheet=sheet))
    return list(table.rows)


def cell(content, kind="n", style=0, at="A2"):
    return f'<row r="2"><c r="{at}" t="{kind}" s="{style}">{content}</c></row>'


@READERS
@pytest.mark.parametrize(
    ("content", "kind", "style", "text"),
    [
        ("<f>1+1</f><v>2</v>", "n", 0, "2"),
        ("<f>A1&amp;B1</f><v>AB</v>", "str", 0, "AB"),
        ("<v>1</v>", "b", 0, "Yes"),
        ("<v>0</v>", "b", 0, "No"),
        ("<v>40574</v>", "n", 1, "2011-01-31 00:00:00"),
        ("<v>40574.5</v>", "n", 1, "2011-01-31 12:00:00"),
        ("<v>40574</v>", "n", 2, "40574"),
        ("<v>1.5</v>", "n", 3, "36:00:00"),
        ("<v>40574</v>", "n", 4, "2011-01-31 00:00:00"),
        ("<v>1.5</v>", "n", 5, "1.5"),
        ("<v>2.0000000000000001E-3</v>", "n", 0, "0.002"),
        ("<is><r><t>ri</t></r><r><t>ch</t></r></is>", "inlineStr", 0, "rich"),
        ("<v>0</v>", "s", 0, "plain"),
        ("<v>1</v>", "s", 0, "rich \u65e5\u672c"),
        ("<v>2</v>", "s", 0, " line\r\n"),
    ],
)
def test_cells_become_the_text_that_exports_have(reader, content, kind, style, text):
    strings = (
        "<si><t> plain\n</t></si>"
        "<si><r><t xml:space='preserve'>rich </t></r><r><t>\u65e5\u672c</t></r>"
        "<rPh sb='0' eb='2'><t>\u306b\u307b\u3093</t></rPh></si>"
        '<si><t xml:space="preserve"> line_x000D_\n</t></si>'
    )
    made = workbook(cell(content, kind, style) + '<row r="3"><c r="B3"><v>9</v></c></row>', strings)
    assert read(reader, made) == [[text, ""], ["", "9"]]


@READERS
@pytest.mark.parametrize(
    ("content", "kind"),
    [("<f>1+1</f>", "n"), ("<f>1/0</f><v>#DIV/0!</v>", "e"), ("", "n"), ("<v></v>", "n")],
)
def test_errors_and_formulas_without_a_kept_value_are_empty(reader, content, kind):
    made = workbook(cell(content, kind) + '<row r="3"><c r="B3"><v>9</v></c></row>')
    assert read(reader, made) == [["", ""], ["", "9"]]


@READERS
def test_dates_may_count_from_1904(reader):
    made = workbook(cell("<v>39112</v>", style=1), book='<workbookPr date1904="1"/>')
    assert read(reader, made) == [["2011-01-31 00:00:00", ""]]


@READERS
def test_a_hidden_sheet_is_read_by_name_and_merged_cells_have_one_value(reader):
    made = workbook(cell("<v>1</v>"), sheet='<mergeCells><mergeCell ref="A2:B2"/></mergeCells>')
    assert read(reader, made, "two$") == [["7"]]
    assert read(reader, made) == [["1", ""]]


@READERS
def test_macros_and_external_links_are_neither_followed_nor_refused(reader):
    more = {"xl/vbaProject.bin": b"\0macro", "xl/externalLinks/externalLink1.xml": "<x/>"}
    assert read(reader, workbook(cell("<v>1</v>"), **more)) == [["1", ""]]


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        (cell("<v>9</v>", "s"), {}),
        (cell("<v>-1</v>", "s"), {}),
        (cell("<v>1e999</v>"), {}),
        (cell("<v>x</v>"), {}),
        (cell("<v>1</v>", at="XFE2"), {}),
        ('<row r="1048577"/>', {}),
        ('<row r="1"/>', {}),
        (cell(f"<v>{'9' * (2 << 20)}</v>"), {}),
        ("<x>" * 200, {}),
        (cell("<v>1</v>"), {"xl/sharedStrings.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><sst/>"}),
        (cell("<v>1</v>"), {"xl/styles.xml": "<a"}),
        (cell("<v>1</v>"), {"xl/worksheets/sheet1.xml": "<!DOCTYPE a><worksheet/>"}),
    ],
)
def test_hostile_parts_are_of_the_wrong_type(rows, more):
    with pytest.raises(SourceUnreadable) as caught:
        read(Excel(largest_in_memory=0), workbook(rows, **more))
    assert caught.value.code == "DMF1855"


def test_many_shared_strings_are_read_in_small_memory():
    count = 15_000
    strings = "".join(f"<si><t>{at} {'x' * 200}</t></si>" for at in range(count))
    rows = "".join(
        f'<row r="{at + 2}"><c r="A{at + 2}" t="s"><v>{count - 1 - at}</v></c></row>'
        for at in range(count)
    )
    content = io.BytesIO(workbook(rows, strings))
    del strings, rows
    tracemalloc.start()
    try:
        table = Excel(largest_in_memory=0).read(content, Shape())
        first = next(table.rows)
        assert first[0].startswith(f"{count - 1} ")
        assert sum(1 for _ in table.rows) == count - 1
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 << 20
