from __future__ import annotations

import io

import pytest

from d365fo_emulator.packages.errors import FileNotWritable, SourceUnreadable
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.xml_rows import XML_ATTRIBUTE, XML_ELEMENT, XmlRows

BAD_XML = "XML is not in correct format-Exception from HRESULT: 0xC0010009"
ENTITY = "CustCustomerGroupEntity"


def read(content, columns=("CUSTOMERGROUPID", "DESCRIPTION"), source_format=XML_ELEMENT):
    content = content if isinstance(content, bytes) else content.encode()
    table = source_format.read(io.BytesIO(content), Shape(ENTITY, columns=tuple(columns)))
    return list(table.header), list(table.rows)


def document(rows):
    return f"<Document>{rows}</Document>"


def row_of(fields, name="CUSTCUSTOMERGROUPENTITY"):
    return f"<{name}>{fields}</{name}>"


BOTH = "<CUSTOMERGROUPID>10</CUSTOMERGROUPID><DESCRIPTION>Retail</DESCRIPTION>"


@pytest.mark.evidence("client")
def test_rows_are_elements_of_the_entitys_name_in_upper_case():
    assert read(document(row_of(BOTH))) == (
        ["CUSTOMERGROUPID", "DESCRIPTION"],
        [["10", "Retail"]],
    )


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_names_are_found_without_letter_case_in_each_encoding(encoding):
    text = document(
        row_of(
            "\n <Description>Groß &amp; <![CDATA[<klein>]]></Description><Other>1</Other>"
            "<CustomerGroupId>10</CustomerGroupId>",
            name=ENTITY,
        )
        + row_of("<CUSTOMERGROUPID/>")
    )
    assert read(text.encode(encoding))[1] == [["10", "Groß & <klein>"], ["", ""]]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    "content",
    [
        "",
        "A,B\r\n1,2\r\n",
        "<Document>",
        f"<Root>{row_of(BOTH)}</Root>",
        document(row_of(BOTH, name="CUSTGROUP")),
        document(row_of("<CUSTOMERGROUPID>10</CUSTOMERGROUPID>")),
        document(row_of("<CUSTOMERGROUPID><X/></CUSTOMERGROUPID>")),
        document(row_of(BOTH)) + "x",
        "<!DOCTYPE Document><Document>" + row_of(BOTH) + "</Document>",
        document(row_of(f"<DESCRIPTION>{'x' * (5 << 20)}</DESCRIPTION>")),
        document(row_of("&undefined;")),
    ],
)
def test_other_xml_fails_in_the_products_words(content):
    with pytest.raises(SourceUnreadable) as caught:
        read(content)
    assert str(caught.value) == BAD_XML
    assert caught.value.detail


@pytest.mark.evidence("documented")
def test_a_document_without_rows_is_an_empty_file():
    with pytest.raises(SourceUnreadable, match="DMF2053: Import file empty"):
        read("<Document />")


@pytest.mark.evidence("client")
def test_a_mapped_field_that_no_row_has_fails_the_file_at_its_end():
    rows = row_of("<CUSTOMERGROUPID>1</CUSTOMERGROUPID>") * 20_000
    table = XML_ELEMENT.read(
        io.BytesIO(document(rows).encode()),
        Shape(ENTITY, columns=("CUSTOMERGROUPID", "DESCRIPTION")),
    )
    with pytest.raises(SourceUnreadable, match="0xC0010009") as caught:
        list(table.rows)
    assert "description" in caught.value.detail
    assert next(table.rows, None) is None


@pytest.mark.evidence("inferred")
def test_rows_are_written_in_one_line_and_escaped():
    stream = io.BytesIO()
    count = XML_ELEMENT.write(
        stream, Shape(ENTITY, columns=("CUSTOMERGROUPID",)), [["<&>"], [""], ["a\r\nb\t"]]
    )
    assert count == 3
    assert stream.getvalue() == (
        b'<?xml version="1.0" encoding="utf-8"?><Document>'
        b"<CUSTCUSTOMERGROUPENTITY><CUSTOMERGROUPID>&lt;&amp;&gt;</CUSTOMERGROUPID>"
        b"</CUSTCUSTOMERGROUPENTITY>"
        b"<CUSTCUSTOMERGROUPENTITY><CUSTOMERGROUPID></CUSTOMERGROUPID></CUSTCUSTOMERGROUPENTITY>"
        b"<CUSTCUSTOMERGROUPENTITY><CUSTOMERGROUPID>a&#xD;\nb\t</CUSTOMERGROUPID>"
        b"</CUSTCUSTOMERGROUPENTITY></Document>"
    )


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("value", ["\a", "\x00", "\ufffe", "\ud800"])
def test_control_characters_break_an_export(value):
    with pytest.raises(FileNotWritable) as caught:
        XML_ELEMENT.write(io.BytesIO(), Shape(ENTITY, columns=("A",)), [[value]])
    assert caught.value.code == "DMF2055"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("column", ["A B", "1A", "<A>", ""])
def test_a_column_must_be_a_name_of_xml(column):
    with pytest.raises(FileNotWritable, match="name of an XML element"):
        XML_ELEMENT.write(io.BytesIO(), Shape(ENTITY, columns=(column,)), [])


@pytest.mark.evidence("inferred")
def test_all_rows_of_many_batches_are_written_and_counted():
    stream = io.BytesIO()
    assert (
        XML_ELEMENT.write(stream, Shape(ENTITY, columns=("A",)), ([str(n)] for n in range(1234)))
        == 1234
    )
    assert read(stream.getvalue(), ["A"])[1] == [[str(n)] for n in range(1234)]


ROW = '<CUSTCUSTOMERGROUPENTITY CUSTOMERGROUPID="10" DESCRIPTION="Retail" />'


@pytest.mark.evidence("client")
def test_fields_are_attributes_of_rows():
    assert read(document(ROW), source_format=XML_ATTRIBUTE) == (
        ["CUSTOMERGROUPID", "DESCRIPTION"],
        [["10", "Retail"]],
    )


@pytest.mark.evidence("inferred")
def test_attributes_are_found_without_letter_case_and_may_lack():
    rows = '<CustCustomerGroupEntity Description="a &amp; &#xA;b" Other="1"/>' + ROW
    assert read(document(rows), source_format=XML_ATTRIBUTE)[1] == [
        ["", "a & \nb"],
        ["10", "Retail"],
    ]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("source_format", "content"),
    [(XML_ATTRIBUTE, document(row_of(BOTH))), (XML_ELEMENT, document(ROW))],
)
def test_the_other_style_is_not_taken(source_format, content):
    with pytest.raises(SourceUnreadable) as caught:
        read(content, source_format=source_format)
    assert str(caught.value) == BAD_XML


@pytest.mark.evidence("client")
def test_attributes_are_written():
    stream = io.BytesIO()
    shape = Shape(ENTITY, columns=("CUSTOMERGROUPID", "DESCRIPTION"))
    assert XML_ATTRIBUTE.write(stream, shape, [["10", "Retail"], ['"<&>\t\r\n', ""]]) == 2
    assert stream.getvalue() == (
        b'<?xml version="1.0" encoding="utf-8"?><Document>'
        b'<CUSTCUSTOMERGROUPENTITY CUSTOMERGROUPID="10" DESCRIPTION="Retail" />'
        b'<CUSTCUSTOMERGROUPENTITY CUSTOMERGROUPID="&quot;&lt;&amp;&gt;&#x9;&#xD;&#xA;"'
        b' DESCRIPTION="" /></Document>'
    )


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("source_format", [XML_ATTRIBUTE, XML_ELEMENT])
def test_control_characters_break_an_export_in_either_style(source_format):
    with pytest.raises(FileNotWritable) as caught:
        source_format.write(io.BytesIO(), Shape(ENTITY, columns=("A",)), [["\x1b"]])
    assert caught.value.code == "DMF2055"


@pytest.mark.evidence("documented")
def test_root_and_spelling_of_rows_are_the_data_sources():
    own = XmlRows("Own", root="Rows", pascal_case=True)
    stream = io.BytesIO()
    own.write(stream, Shape(ENTITY, columns=("A",)), [["1"]])
    assert stream.getvalue().endswith(
        b"<Rows><CustCustomerGroupEntity><A>1</A></CustCustomerGroupEntity></Rows>"
    )
    assert read(stream.getvalue(), ["A"], own) == (["A"], [["1"]])
    with pytest.raises(SourceUnreadable, match="0xC0010009"):
        read(stream.getvalue(), ["A"])


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("source_format", [XML_ATTRIBUTE, XML_ELEMENT])
@pytest.mark.parametrize(
    "content",
    [
        document("<X>" * 150 + "</X>" * 150),
        f'<Document><CUSTCUSTOMERGROUPENTITY A="{"x" * (10 << 20)}"/></Document>',
        "<!DOCTYPE a [<!ENTITY b 'c'>]><Document/>",
        '<?xml version="1.0" encoding="no-such"?><Document/>',
        document(ROW).encode("utf-16-le")[:-1],
        document("<CUSTCUSTOMERGROUPENTITY A='1' A='2'/>"),
        document("\0"),
    ],
)
def test_hostile_xml_fails_in_the_products_words(source_format, content):
    with pytest.raises(SourceUnreadable, match="0xC0010009"):
        read(content, source_format=source_format)
