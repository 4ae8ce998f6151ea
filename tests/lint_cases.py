"""A package for every rule of `lint`, each broken in that one way, written by hand."""

from __future__ import annotations

import io
import struct
import zipfile

import openpyxl

import builders
from builders import CUSTOMER_GROUPS, Map, Table, conversion
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.catalogue import Catalogue
from d365fo_emulator.entities.definitions import composite_of, entity_of
from d365fo_emulator.lint.context import LintOptions, NothingLearnt

LABEL = "Customer groups"
DATA = CUSTOMER_GROUPS.file
CUSTOMERS = Table(
    "Customers V3",
    ("CUSTOMERACCOUNT", "CUSTOMERGROUPID", "ORGANIZATIONNAME", "PARTYTYPE", "SALESCURRENCYCODE"),
    (("C1", "10", "Northern", "Organization", "USD"),),
    "CustCustomerV3Entity",
)
RATES = Table(
    "Exchange rates",
    ("RATETYPENAME", "FROMCURRENCY", "TOCURRENCY", "STARTDATE", "RATE"),
    (("Default", "USD", "EUR", "2025-03-02", "1.5"),),
    "ExchangeRateEntity",
)
TYPES = '<?xml version="1.0"?>'


def zipped(files, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = compression
            archive.writestr(info, content)
    return buffer.getvalue()


def files(*tables, manifest=(), header=(), **replaced):
    """The files of a package; `manifest` and `header`: pairs of what to replace."""
    tables = tables or (CUSTOMER_GROUPS,)
    made = {table.file: table.csv for table in tables}
    made["Manifest.xml"] = _edited(builders.manifest(tables, "Project"), manifest)
    made["PackageHeader.xml"] = _edited(builders.header("Project"), header)
    if "data" in replaced:
        made[tables[0].file] = replaced["data"]
    return {name: content for name, content in made.items() if content is not None}


def _edited(text, pairs):
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text.encode()


def package(*tables, **changes):
    return zipped(files(*tables, **changes))


def of_format(source_format, data, extension="", *more):
    """Customer groups in another format."""
    edits = [("<SourceFormat>CSV<", f"<SourceFormat>{source_format}<"), *more]
    if not extension:
        return package(manifest=edits, data=data)
    name = LABEL + extension
    edits.append((f"<InputFilePath>{DATA}<", f"<InputFilePath>{name}<"))
    made = files(manifest=edits, data=None)
    return zipped(made | {name: data})


def utf16(text, mark=b"\xff\xfe"):
    return mark + text.encode("utf-16-le")


def workbook(rows, sheet="Customer_groups", more_sheets=()):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    for name in more_sheets:
        book.create_sheet(name)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def groups(*rows):
    """Customer groups with these rows."""
    return Table(LABEL, CUSTOMER_GROUPS.columns, rows, CUSTOMER_GROUPS.target_entity)


def of_composite(*orders):
    """Orders with lines, in one XML file: pairs of an id and the numbers of its lines."""
    table = Table("Orders composite", (), (), source_format="XML-Attribute")
    body = "".join(
        ORDER % (order, "".join(LINE % line for line in lines)) for order, lines in orders
    )
    made = files(table, data=None, manifest=[(f">{table.file}<", ">Orders composite.xml<")])
    return zipped(made | {"Orders composite.xml": f"<Document>{body}</Document>".encode()})


def encrypted():
    octets = bytearray(package())
    at = octets.find(b"PK\x01\x02")
    struct.pack_into("<H", octets, at + 8, 1)
    return bytes(octets)


def damaged():
    """The data file's bytes changed, so that its checksum is wrong."""
    octets = zipped(files(), zipfile.ZIP_STORED)
    return octets.replace(b"Wholesale", b"WholesalX", 1)


def wide(columns):
    return Table(
        LABEL,
        ("CUSTOMERGROUPID", *(f"C{number}" for number in range(columns))),
        (("10",) * (columns + 1),),
        CUSTOMER_GROUPS.target_entity,
    )


HEADER_ROW, ROWS = CUSTOMER_GROUPS.columns, CUSTOMER_GROUPS.rows
TEXT = CUSTOMER_GROUPS.csv.decode()
FIRST_MAP = builders.manifest((CUSTOMER_GROUPS,), "x").split("<EntityMap>")[1]
FIRST_MAP = f"<EntityMap>{FIRST_MAP.split('</EntityMap>')[0]}</EntityMap>"
ALL_MAPS = "".join(
    f"<EntityMap>{part.split('</EntityMap>')[0]}</EntityMap>"
    for part in builders.manifest((CUSTOMER_GROUPS,), "x").split("<EntityMap>")[1:]
)
XML = (
    b"<Document><CUSTCUSTOMERGROUPENTITY><CUSTOMERGROUPID>10</CUSTOMERGROUPID>"
    b"%s</CUSTCUSTOMERGROUPENTITY></Document>"
)
DUMMY = "This is a string that is inserted into Excel as a dummy cell to make the column long. " * 4

RED_BY_DEFAULT = conversion("", "0", "Int", is_default=True)
BUILTIN = BuiltinCatalogue()
OWN = (
    {
        "name": "Own things",
        "type": "OwnThingEntity",
        "collection": "OwnThings",
        "keys": ["Id"],
        "fields": [
            {"name": "Id", "size": 10},
            {"name": "Colour", "type": "enum", "enum": ["Red", "Blue"]},
            {"name": "MadeOn", "type": "date", "readOnly": True},
        ],
    },
    {
        "name": "Own orders",
        "type": "OwnOrderEntity",
        "collection": "OwnOrders",
        "fields": [{"name": "Id", "size": 5}],
    },
    {
        "name": "Own lines",
        "type": "OwnLineEntity",
        "collection": "OwnLines",
        "keys": ["Id", "Number"],
        "fields": [{"name": "Id"}, {"name": "Number", "type": "int"}, {"name": "Text"}],
    },
    {"name": "Twins", "type": "FirstTwin", "collection": "FirstTwins", "fields": [{"name": "Id"}]},
    {"name": "Twins", "type": "OtherTwin", "collection": "OtherTwins", "fields": [{"name": "Id"}]},
)
COMPOSITE = {"name": "Groups composite", "composite": "CustCustomerGroupEntity"}
NESTED = {
    "name": "Orders composite",
    "composite": {"entity": "OwnOrderEntity", "children": ["OwnLineEntity"]},
}
ORDER = '<OWNORDERENTITY ID="%s">%s</OWNORDERENTITY>'
LINE = '<OWNLINEENTITY NUMBER="%s" TEXT="a"/>'


def catalogue():
    """The standard entities, and some of one's own."""
    made = Catalogue(BUILTIN, NothingLearnt())
    for definition in OWN:
        made.add(entity_of(definition))
    made.add_composite(composite_of(COMPOSITE))
    made.add_composite(composite_of(NESTED))
    return made


OPTIONS = LintOptions(catalogue=catalogue, company="USMF")

CASES = {
    "PKG001": lambda: b"CUSTOMERGROUPID,DESCRIPTION\r\n10,x\r\n",
    "PKG002": lambda: zipped({f"Folder/{name}": octets for name, octets in files().items()}),
    "PKG003": lambda: zipped({n: o for n, o in files().items() if n != "Manifest.xml"}),
    "PKG004": lambda: zipped(
        {n: o for n, o in files(CUSTOMER_GROUPS, CUSTOMERS).items() if n != CUSTOMERS.file}
    ),
    "PKG005": lambda: package(data=None),
    "PKG006": lambda: zipped(files() | {"notes.txt": b"x"}),
    "PKG007": encrypted,
    "PKG008": lambda: zipped(
        {n.replace("Manifest.xml", "manifest.XML"): o for n, o in files().items()}
    ),
    "PKG009": damaged,
    "PKG010": lambda: zipped(files() | {"Resources/a:b.txt": b"x"}),
    "MAN001": lambda: package(manifest=[("</DataManagementPackageManifest>", "")]),
    "MAN002": lambda: package(manifest=[(builders.NAMESPACE, "http://example.org/")]),
    "MAN003": lambda: package(
        manifest=[
            ("<Disable>false</Disable>", ""),
            ("<SequenceInLevel>", "<Disable>false</Disable><SequenceInLevel>"),
        ]
    ),
    "MAN004": lambda: package(manifest=[(ALL_MAPS, "")]),
    "MAN005": lambda: package(
        manifest=[(f"<EntityName>{LABEL}<", "<EntityName>CustCustomerGroupEntity<")]
    ),
    "MAN006": lambda: package(Table("Twins", ("ID",), (("1",),))),
    "MAN007": lambda: package(CUSTOMER_GROUPS, CUSTOMER_GROUPS),
    "MAN008": lambda: package(manifest=[("<DefinitionGroupName>", "<DefinitionGroupName>Bob's ")]),
    "MAN009": lambda: package(manifest=[("<Description>", f"<Description>{'long ' * 20}")]),
    "MAN010": lambda: of_format("IDOC", CUSTOMER_GROUPS.csv),
    "MAN011": lambda: package(CUSTOMER_GROUPS, CUSTOMERS),
    "MAN012": lambda: package(
        manifest=[(f"<EntityName>{LABEL}<", "<EntityName>Groups composite<")]
    ),
    "MAN013": lambda: package(header=[("<PackageVersion>2<", "<PackageVersion>7<")]),
    "MAN014": lambda: package(manifest=[("<SkipStaging>false<", "<SkipStaging>true<")]),
    "MAN015": lambda: of_format("PACKAGE", CUSTOMER_GROUPS.csv),
    "MAN016": lambda: package(manifest=[("<ExecutionUnit>1<", "<ExecutionUnit>one<")]),
    "MAN017": lambda: package(Table("Moons", ("NAME",), (("Io",),)), CUSTOMER_GROUPS),
    "MAN018": lambda: package(
        CUSTOMER_GROUPS, CUSTOMERS, manifest=[("<Disable>false<", "<Disable>true<")]
    ),
    "MAN019": lambda: package(manifest=[("<SampleFilePath />", "<sampleFilePath />")]),
    "MAN020": lambda: package(
        manifest=[(ALL_MAPS, ""), ("<ValidationStatus>Yes<", "<ValidationStatus>No<")]
    ),
    "MAP001": lambda: package(data=TEXT.replace("DESCRIPTION", "TEXT").encode()),
    "MAP002": lambda: package(data="".join(line + ",x\r\n" for line in TEXT.splitlines()).encode()),
    "MAP003": lambda: package(data=b"A,B\r\n1,2\r\n"),
    "MAP004": lambda: package(
        Table(LABEL, ("CUSTOMERGROUPID", "DESCRIPTIOX"), (("10", "x"),), "CustCustomerGroupEntity")
    ),
    "MAP005": lambda: package(Table(LABEL, ("DESCRIPTION",), (("x",),), "CustCustomerGroupEntity")),
    "MAP006": lambda: package(manifest=[(FIRST_MAP, FIRST_MAP * 2)]),
    "MAP007": lambda: package(
        Table(
            "Own things",
            ("ID", "COLOUR"),
            (("1", "Red"),),
            maps=(Map("ID", "ID"), Map("COLOUR", "COLOUR", conversions=RED_BY_DEFAULT)),
        )
    ),
    "MAP008": lambda: package(Table("Own things", ("ID", "MADEON"), (("1", "2025-01-01"),))),
    "MAP009": lambda: package(wide(2500)),
    "MAP010": lambda: package(
        Table(LABEL, ("CUSTOMERGROUPID", "MOON"), (("10", "x"),), "CustCustomerGroupEntity")
    ),
    "MAP012": lambda: package(data=b"CUSTOMERGROUPID,DESCRIPTION,DESCRIPTION\r\n10,a,b\r\n"),
    "CSV001": lambda: of_format("CSV-Unicode", CUSTOMER_GROUPS.csv),
    "CSV002": lambda: package(data=TEXT.replace("Retail", "Groß").encode()),
    "CSV003": lambda: package(data=b"\r\n" + CUSTOMER_GROUPS.csv),
    "CSV004": lambda: package(data=CUSTOMER_GROUPS.csv + b'40,"never closed\r\n'),
    "CSV005": lambda: package(data=CUSTOMER_GROUPS.csv.replace(b",", b";")),
    "CSV006": lambda: package(data=b"CUSTOMERGROUPID,DESCRIPTION\r\n"),
    "CSV007": lambda: of_format("CSV-Unicode", utf16(TEXT.replace("\r\n", "\n"))),
    "XLS001": lambda: of_format("EXCEL", workbook([HEADER_ROW, ("10", DUMMY)]), ".xlsx"),
    "XLS002": lambda: of_format(
        "EXCEL",
        workbook([HEADER_ROW, *ROWS]),
        ".xlsx",
        ("<ExcelSheetName />", "<ExcelSheetName>Other$</ExcelSheetName>"),
    ),
    "XLS003": lambda: of_format("EXCEL", workbook([HEADER_ROW, (10, "=1+1")]), ".xlsx"),
    "XML001": lambda: of_format("XML-Element", b"<Rows/>", ".xml"),
    "XML002": lambda: of_format("XML-Element", XML % b"<DESCRIPTION>a\x02b</DESCRIPTION>", ".xml"),
    "ROW001": lambda: package(groups(("10", "a"), ("20", "b"), ("10", "c"))),
    "ROW002": lambda: package(groups(("", "a"))),
    "ROW003": lambda: package(groups(("12345678901", "a"))),
    "ROW004": lambda: package(
        Table(
            RATES.entity,
            RATES.columns,
            (("D", "USD", "EUR", "2025-02-30", "1"),),
            RATES.target_entity,
        )
    ),
    "ROW005": lambda: package(
        Table(LABEL, ("CUSTOMERGROUPID", "ISSALESTAXINCLUDEDINPRICE"), (("10", "Maybe"),))
    ),
    "ROW006": lambda: package(
        CUSTOMER_GROUPS,
        Table(
            CUSTOMERS.entity,
            CUSTOMERS.columns,
            (("C1", "99", "N", "Person", "USD"),),
            CUSTOMERS.target_entity,
        ),
    ),
    "ROW007": lambda: package(
        Table(
            CUSTOMERS.entity,
            (*CUSTOMERS.columns, "DATAAREAID"),
            (("C1", "10", "N", "Person", "USD", "GBSI"),),
            CUSTOMERS.target_entity,
        )
    ),
}
"""By code: what makes the package."""
