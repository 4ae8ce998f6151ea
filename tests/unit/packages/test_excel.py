from __future__ import annotations

import contextlib
import io
import zipfile
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import Workbook

from d365fo_emulator.packages.errors import FileNotWritable, SourceUnreadable
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.formats.model import Shape

READERS = pytest.mark.parametrize(
    "reader", [Excel(), Excel(largest_in_memory=0)], ids=["in memory", "streaming"]
)


def workbook(sheets):
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def read(reader, content, sheet=""):
    table = reader.read(io.BytesIO(content), Shape(sheet=sheet))
    return list(table.header), list(table.rows)


def replace_part(content, name, change):
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as copy:
        for part in source.namelist():
            data = source.read(part)
            copy.writestr(part, change(data) if part == name else data)
    return target.getvalue()


@READERS
@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0001", "0001"),
        (1, "1"),
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1.33574, "1.33574"),
        (1e-7, "0.0000001"),
        (12345678901234, "12345678901234"),
        (True, "Yes"),
        (False, "No"),
        (datetime(2011, 1, 31), "2011-01-31 00:00:00"),  # noqa: DTZ001  cells have no zone
        (datetime(2154, 12, 31, 23, 59, 58), "2154-12-31 23:59:58"),  # noqa: DTZ001
        (date(1900, 3, 1), "1900-03-01 00:00:00"),
        (time(7, 8, 9), "07:08:09"),
        (timedelta(hours=30, minutes=1), "30:01:00"),
        (None, ""),
        ("two\nlines ", "two\nlines "),
    ],
)
def test_cells_become_the_text_of_exports(reader, value, text):
    content = workbook({"S": [["A", "B"], [value, "end"]]})
    assert read(reader, content) == (["A", "B"], [[text, "end"]])


@READERS
@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("sheet", "value"),
    [("", "1"), ("First", "1"), ("First$", "1"), ("second$", "2"), ("'Second$'", "2")],
)
def test_the_sheet_is_found_by_name_and_is_the_first_without_one(reader, sheet, value):
    content = workbook({"First": [["A"], ["1"]], "Second": [["A"], ["2"]]})
    assert read(reader, content, sheet) == (["A"], [[value]])


@READERS
@pytest.mark.evidence("inferred")
def test_a_sheet_that_is_not_there_fails_the_file(reader):
    with pytest.raises(SourceUnreadable, match="no sheet 'Third"):
        read(reader, workbook({"First": [["A"], ["1"]]}), "Third$")


@READERS
@pytest.mark.evidence("inferred")
def test_rows_fit_the_header_whatever_stands_beside_and_below(reader):
    content = workbook(
        {"S": [["A ", "B", None], ["1"], [None, None, "note"], ["2", "3", "note"], [None], [""]]}
    )
    assert read(reader, content) == (["A", "B"], [["1", ""], ["", ""], ["2", "3"]])


@READERS
@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "FF004"),
        ([[None], ["A"], ["1"]], "FF004"),
        ([["A"]], "DMF2053"),
        ([["A"], [None]], "DMF2053"),
        ([["A"] * 256, ["1"]], "DMF2009"),
    ],
)
def test_a_sheet_without_header_or_rows_fails(reader, rows, code):
    with pytest.raises(SourceUnreadable) as caught:
        read(reader, workbook({"S": rows}))
    assert caught.value.code == code


@READERS
@pytest.mark.evidence("documented")
@pytest.mark.parametrize("content", [b"", b"A,B\r\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" * 200])
def test_what_is_no_workbook_is_of_the_wrong_type(reader, content):
    with pytest.raises(SourceUnreadable) as caught:
        read(reader, content)
    assert caught.value.code == "DMF1855"


@READERS
@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "part",
    ["[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml"],
)
@pytest.mark.parametrize(
    "change", [lambda _: b"", lambda _: b"<a", lambda _: b"<a/>", lambda data: data[:-40]]
)
def test_broken_parts_fail_the_file_and_nothing_else(reader, part, change):
    content = replace_part(workbook({"S": [["A"], ["1"]]}), part, change)
    with contextlib.suppress(SourceUnreadable):
        # One of the readers does not need the part that lists the others.
        assert read(reader, content)[1] == [["1"]]


@pytest.mark.evidence("inferred")
def test_a_stray_cell_in_the_last_corner_does_not_fill_the_memory():
    content = workbook({"S": [["A"], ["1"]]})
    stray = b'<row r="9"><c r = "XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    content = replace_part(
        content,
        "xl/worksheets/sheet1.xml",
        lambda data: data.replace(b"</sheetData>", stray),
    )
    header, rows = read(Excel(), content)
    assert header == ["A"]
    assert rows[0] == ["1"]


@pytest.mark.evidence("inferred")
def test_a_workbook_that_expands_without_measure_is_refused():
    content = replace_part(
        workbook({"S": [["A"], ["1"]]}), "xl/worksheets/sheet1.xml", lambda data: data
    )
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", bytes(8 << 20))
    with pytest.raises(SourceUnreadable) as caught:
        read(Excel(), target.getvalue())
    assert caught.value.code == "DMF1855"
    assert "200 times" in caught.value.detail


def written(label, header, rows):
    stream = io.BytesIO()
    assert Excel().write(stream, Shape("Entity", label, tuple(header)), rows) == len(rows)
    return stream.getvalue()


@READERS
@pytest.mark.evidence("documented")
def test_exports_are_text_in_a_sheet_named_after_the_label(reader):
    rows = [["=1+1", "0001"], ["", "x"], ["a\r\nb", "_x000D_ é"], [" pad ", "2011-01-31 00:00:00"]]
    content = written("Country/regions of the whole wide world", ["A", "B"], rows)
    assert read(reader, content, "Country_regions_of_the_whole_w$") == (["A", "B"], rows)
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert sheet.count(b't="inlineStr"') == sheet.count(b"<c ")


@pytest.mark.evidence("inferred")
def test_a_workbook_does_not_tell_when_it_was_made():
    first = written("Units", ["A"], [["1"]])
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read("docProps/core.xml").count(b"2000-01-01T00:00:00Z") == 2


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        (["A"] * 256, "1", "DMF2009"),
        (["A"], "\a", "DMF2055"),
        (["\a"], "1", "DMF2055"),
        (["A"], "x" * 32_768, ""),
    ],
)
def test_what_a_worksheet_cannot_hold_fails_the_export(header, value, code):
    with pytest.raises(FileNotWritable) as caught:
        written("Units", header, [[value]])
    assert caught.value.code == code


@pytest.mark.evidence("documented")
def test_a_workbook_looks_as_the_access_engine_wrote_it():
    with zipfile.ZipFile(io.BytesIO(written("Units/all", ["A", "B"], [["1", "2"]]))) as archive:
        assert b"<Application>Microsoft Access<" in archive.read("docProps/app.xml")
        book = archive.read("xl/workbook.xml")
    assert b"<definedName name=\"Units_all\">'Units_all'!$A$1:$B$1</definedName>" in book


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("label", ["VAT1", "R1C1", "r", "1099 codes"])
def test_a_name_that_spreadsheets_refuse_is_not_defined(label):
    with zipfile.ZipFile(io.BytesIO(written(label, ["A"], [["1"]]))) as archive:
        assert b"<definedName " not in archive.read("xl/workbook.xml")


@pytest.mark.evidence("documented")
def test_the_dummy_row_stands_before_the_rows_of_long_fields_and_is_not_counted():
    stream = io.BytesIO()
    shape = Shape("E", "Label", ("ID", "NOTE"), (10, 1000))
    assert Excel(dummy_row=True).write(stream, shape, [["1", "x" * 300]]) == 1
    rows = read(Excel(), stream.getvalue())[1]
    assert rows[0][0] == ""
    assert rows[0][1].startswith(
        "This is a string that is inserted into Excel as a dummy cell to make the column to"
        " support more than 255 characters."
    )
    assert rows[1:] == [["1", "x" * 300]]
    stream = io.BytesIO()
    Excel(dummy_row=True).write(stream, Shape("E", "Label", ("ID",), (255,)), [["1"]])
    assert read(Excel(), stream.getvalue())[1] == [["1"]]
