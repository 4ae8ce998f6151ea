from __future__ import annotations

import io

import pytest

from d365fo_emulator.entities.model import EntityType, Field, FieldType
from d365fo_emulator.packages.errors import FileNotWritable, SourceUnreadable
from d365fo_emulator.packages.formats.fixed_width import FIXED, FIXED_UNICODE, FixedWidth
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.shaping import shape_to_read, shape_to_write
from d365fo_emulator.packages.model import FieldMap

SHAPE = Shape(columns=("ID", "NAME"), widths=(4, 6))


def read(source_format, content, shape=SHAPE):
    table = source_format.read(io.BytesIO(content), shape)
    return list(table.header), list(table.rows)


def written(source_format, rows, shape=SHAPE):
    stream = io.BytesIO()
    assert source_format.write(stream, shape, rows) == len(rows)
    return stream.getvalue()


@pytest.mark.evidence("inferred")
def test_values_are_padded_with_blanks_and_come_back_without():
    content = written(FIXED, [["10", "Größe"], ["", " x"]])
    assert content == "ID  NAME  \r\n10  Größe \r\n     x    \r\n".encode("cp1252")
    assert read(FIXED, content) == (["ID", "NAME"], [["10", "Größe"], ["", " x"]])


@pytest.mark.evidence("inferred")
def test_unicode_counts_characters():
    content = written(FIXED_UNICODE, [["日本", "€"]])
    assert content.startswith(b"\xff\xfe")
    assert read(FIXED_UNICODE, content)[1] == [["日本", "€"]]


@pytest.mark.evidence("inferred")
def test_without_header_line_and_with_a_layout_of_its_own():
    own = FixedWidth("Bank", has_header=False, columns=(("NAME", 3), ("ID", 2), ("NOTHING", 1)))
    content = written(own, [["10", "abc"]])
    assert content == b"abc10 \r\n"
    assert read(own, content) == (["NAME", "ID", "NOTHING"], [["abc", "10", ""]])


@pytest.mark.evidence("inferred")
def test_lines_may_lack_their_last_blanks_and_have_more():
    assert read(FIXED, b"ID  NAME\n1\n2   b          \n\n")[1] == [["1", ""], ["2", "b"]]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "FF004"),
        (b"\r\n", "FF004"),
        (b"ID  NAME\r\n", "DMF2053"),
        (b"ID  NAME\r\n1   abcdefg\r\n", "DMF2050"),
        (b"ID  NAME\r\n\r\n1\r\n", "DMF2050"),
        (b"ID  NAME\r\n1\0\r\n", "DMF1855"),
        (b"ID  NAME\r\n" + b"x" * (5 << 20), "DMF2050"),
        (b"\xff\xfeI\0", "DMF1855"),
    ],
)
def test_files_of_another_form_fail(content, code):
    with pytest.raises(SourceUnreadable) as caught:
        read(FIXED, content)
    assert caught.value.code == code


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("row", [["12345", ""], ["a\r", ""], ["", "a\nb"]])
def test_what_the_layout_cannot_hold_is_refused(row):
    with pytest.raises(FileNotWritable, match="fixed width"):
        written(FIXED, [row])


@pytest.mark.evidence("documented")
def test_what_the_code_page_lacks_is_refused():
    with pytest.raises(FileNotWritable) as caught:
        written(FIXED, [["Ω", ""]])
    assert caught.value.code == "DMF1957"


@pytest.mark.evidence("inferred")
def test_columns_are_as_wide_as_the_fields_and_no_less_than_their_names():
    fields = (
        Field("Name", "NAME", FieldType.STRING, "Name", size=60),
        Field("CustomerGroupId", "CUSTOMERGROUPID", FieldType.STRING, "Group", size=10),
        Field("IssuedOn", "ISSUEDON", FieldType.DATE, "Issued"),
    )
    entity = EntityType("Groups", "GroupEntity", "Groups", "S", True, ("CustomerGroupId",), fields)
    maps = [FieldMap("ISSUEDON", "Date"), FieldMap("NAME", "N"), FieldMap("CUSTOMERGROUPID", "Id")]
    to_read = shape_to_read(entity, maps, "Sheet$")
    assert (to_read.columns, to_read.widths) == (("Id", "Date", "N"), (10, 19, 60))
    assert to_read.sheet == "Sheet$"
    assert shape_to_write(entity, ["CUSTOMERGROUPID", "OTHER"]).widths == (15, 255)
