"""Workbooks with parts that no export has, written by hand."""

from __future__ import annotations

from xml.sax.saxutils import escape

from bad_input.packages import of_format, zipped

TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def relations(*targets):
    """A part of relations: (kind, target, more attributes)."""
    inside = "".join(
        f'<Relationship Id="r{n}" Type="{RELATIONS}/{kind}" Target="{target}"{more}/>'
        for n, (kind, target, more) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE_RELATIONS}">{inside}</Relationships>'


def text_cell(column, row, text):
    return f'<c r="{column}{row}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def sheet(*cells, inside=""):
    """Rows of ready-made cells below the header."""
    header = text_cell("A", 1, "CUSTOMERGROUPID") + text_cell("B", 1, "DESCRIPTION")
    rows = "".join(
        f'<row r="{number}">{"".join(row)}</row>' for number, row in enumerate(cells, start=2)
    )
    return (
        f'<worksheet xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheetData><row r="1">{header}</row>'
        f"{rows}</sheetData>{inside}</worksheet>"
    )


GOOD_ROW = (text_cell("A", 2, "10"), text_cell("B", 2, "Wholesale"))


def workbook(main=None, parts=None, links=()):
    """A workbook of one sheet; `parts` are more files, `links` more relations of the workbook."""
    files = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml", "")),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
            '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml", ""), *links),
        "xl/worksheets/sheet1.xml": main or sheet(GOOD_ROW),
        **(parts or {}),
    }
    return zipped(files)


def package(content):
    """A data package whose one file is this workbook."""
    return of_format("EXCEL", content, "groups.xlsx")
