"""Packages of many customers in any format, written by the tens of thousands, and their floor."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from xml.sax.saxutils import escape

from d365fo_emulator.packages.manifest import write_header, write_manifest
from d365fo_emulator.packages.model import FieldMap, Manifest, PackageEntity, PackageHeader

COLUMNS = (
    "CUSTOMERACCOUNT",
    "ADDRESSCITY",
    "ADDRESSSTREET",
    "CREDITLIMIT",
    "CREDITLIMITISMANDATORY",
    "CUSTOMERGROUPID",
    "LANGUAGEID",
    "NAMEALIAS",
    "ONHOLDSTATUS",
    "ORGANIZATIONNAME",
    "PARTYNUMBER",
    "SALESCURRENCYCODE",
)
ENTITY = "CustCustomerV3Entity"
LABEL = "Customers V3"
CITIES = ("Aachen", "Bergen", "Cork", "Delft", "Évora", "Faro", "Graz", "Hull")
HOLDS = ("No", "Invoice", "All", "Payment")
BATCH = 10_000
SHEET = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns='
    '"http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)
EXTENSIONS = {"CSV": "csv", "CSV-Unicode": "csv", "XML-Element": "xml", "EXCEL": "xlsx"}


def customer(number, bad):
    """One row of about 110 characters; `bad`: of a customer group that is not there."""
    return (
        f"C{number:08}",
        CITIES[number % 8],
        f"{number % 977} Main Street",
        f"{number % 9973}.50",
        "Yes" if number % 3 else "No",
        "NONE" if bad else f"G{number % 10}",
        "en-us" if number % 2 else "de",
        f"alias {number % 50_000}",
        HOLDS[number % 4],
        f"Customer number {number} and sons",
        f"P{number:09}",
        "USD" if number % 2 else "EUR",
    )


def customers(count, bad_every=0):
    return (customer(number, bad_every and number % bad_every == 0) for number in range(count))


def write_package(path, source_format, count, bad_every=0):
    """A package of so many customers; every `bad_every`th refers to a group that is not there."""
    name = f"{LABEL}.{EXTENSIONS[source_format]}"
    plan = PackageEntity(
        LABEL,
        name,
        source_format,
        tuple(FieldMap(column, column) for column in sorted(COLUMNS)),
        target_entity=ENTITY,
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        with package.open(name, "w", force_zip64=True) as stream:
            WRITERS[source_format](stream, customers(count, bad_every))
        package.writestr("Manifest.xml", write_manifest(Manifest("Bench", "Bench", (plan,))))
        package.writestr("PackageHeader.xml", write_header(PackageHeader("Bench")))
    return path


def write_delimited(stream, rows, encoding="cp1252", mark=b""):
    stream.write(mark + (",".join(COLUMNS) + "\r\n").encode(encoding))
    for batch in batches(rows):
        stream.write("".join(f"{','.join(row)}\r\n" for row in batch).encode(encoding))


def write_unicode(stream, rows):
    write_delimited(stream, rows, "utf-16-le", b"\xff\xfe")


def write_xml(stream, rows):
    fields = "".join(f"<{name}>%s</{name}>" for name in COLUMNS)
    template = f"<{ENTITY.upper()}>{fields}</{ENTITY.upper()}>"
    stream.write(b'<?xml version="1.0" encoding="utf-8"?><Document>')
    for batch in batches(rows):
        stream.write("".join(template % tuple(map(escape, row)) for row in batch).encode())
    stream.write(b"</Document>")


def write_sheet(stream, rows):
    """A workbook of inline strings, as the product writes them."""
    cell = '<c t="inlineStr"><is><t>%s</t></is></c>'
    template = f"<row>{cell * len(COLUMNS)}</row>"
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as workbook:
        for name, text in WORKBOOK.items():
            workbook.writestr(name, text)
        with workbook.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f"{SHEET}{template % COLUMNS}".encode())
            for batch in batches(rows):
                sheet.write("".join(template % tuple(map(escape, row)) for row in batch).encode())
            sheet.write(b"</sheetData></worksheet>")


PACKAGE_NAMESPACE = "http://schemas.openxmlformats.org/package/2006"
OFFICE_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
WORKBOOK = {
    "[Content_Types].xml": (
        f'<Types xmlns="{PACKAGE_NAMESPACE}/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{SHEET_TYPES}.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
        f'"{SHEET_TYPES}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{PACKAGE_NAMESPACE}/relationships"><Relationship Id="rId1" Type='
        f'"{OFFICE_NAMESPACE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
        f'"{OFFICE_NAMESPACE}"><sheets><sheet name="Customers_V3" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>"
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{PACKAGE_NAMESPACE}/relationships"><Relationship Id="rId1" Type='
        f'"{OFFICE_NAMESPACE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
WRITERS = {
    "CSV": write_delimited,
    "CSV-Unicode": write_unicode,
    "XML-Element": write_xml,
    "EXCEL": write_sheet,
}


def batches(rows):
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def write_many_entities(path, count):
    """A package of so many entities that no catalogue knows, two rows each."""
    plans = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for number in range(count):
            name = f"Bench entity {number}.csv"
            package.writestr(name, "ID,NAME\r\n1,one\r\n2,two\r\n")
            maps = (FieldMap("ID", "ID"), FieldMap("NAME", "NAME"))
            plans.append(PackageEntity(f"Bench entity {number}", name, "CSV", maps))
        manifest = Manifest("Many", "Many", tuple(plans))
        package.writestr("Manifest.xml", write_manifest(manifest))
        package.writestr("PackageHeader.xml", write_header(PackageHeader("Many")))
    return path


FLOOR = """
import csv, sqlite3, sys, time
started = time.perf_counter()
database = sqlite3.connect(sys.argv[2])
with open(sys.argv[1], newline="", encoding="cp1252") as file:
    reader = csv.reader(file)
    columns = next(reader)
    database.execute(f"create table rows ({', '.join(columns)})")
    database.executemany(f"insert into rows values ({', '.join('?' * len(columns))})", reader)
database.commit()
print(time.perf_counter() - started)
"""


def floor_seconds(folder, count):
    """`csv.reader` and `executemany` into one table without a key, on the same rows."""
    file, database = folder / f"floor-{count}.csv", folder / "floor.sqlite"
    if not file.exists():
        with file.open("wb") as stream:
            write_delimited(stream, customers(count))
    database.unlink(missing_ok=True)
    command = [sys.executable, "-c", FLOOR, str(file), str(database)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    database.unlink(missing_ok=True)
    return float(done.stdout)
