"""Packages of strangers: every one gives findings, none a trace, a hang or an unbounded memory."""

import random  # noqa: TID251  damage by a fixed seed
import tracemalloc
import zipfile

import pytest

import lint_cases
from builders import CUSTOMER_GROUPS, NAMESPACE
from d365fo_emulator.lint.engine import lint_package
from d365fo_emulator.lint.fixing import fix_package
from lint_cases import FIRST_MAP, OPTIONS, files, of_format, package, utf16, zipped

pytestmark = pytest.mark.evidence("inferred")

SEEDS = range(40)


def codes(path):
    return {finding.code for finding in lint_package(path, OPTIONS)}


@pytest.fixture
def found(tmp_path):
    def check(content):
        path = tmp_path / "package.zip"
        path.write_bytes(content)
        fix_package(path, tmp_path / "fixed.zip", OPTIONS)
        return codes(path)

    return check


def stored(**octets):
    """Not compressed: files of one letter would be taken for bombs."""
    names = {"data": CUSTOMER_GROUPS.file, "manifest": "Manifest.xml"}
    changed = {names[key]: content for key, content in octets.items()}
    return zipped(files() | changed, zipfile.ZIP_STORED)


def with_manifest(octets):
    return stored(manifest=octets)


def deep(depth):
    return f'<DataManagementPackageManifest xmlns="{NAMESPACE}">{"<a>" * depth}'.encode()


def expanding():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    return (
        f'<!DOCTYPE x [<!ENTITY e0 "boom">{entities}]>'
        f'<DataManagementPackageManifest xmlns="{NAMESPACE}">&e8;</DataManagementPackageManifest>'
    ).encode()


def declared(encoding, text_encoding="utf-8"):
    text = files()["Manifest.xml"].decode()
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(text_encoding)


def two_directories():
    return package() + b"PK\x05\x06" + bytes(18)


def of_wide_header(columns):
    names = ",".join(["CUSTOMERGROUPID", "DESCRIPTION", *(f"C{n}" for n in range(columns))])
    return package(data=f"{names}\r\n{',' * (columns + 1)}\r\n".encode())


BAD = {
    "empty file": (lambda: b"", {"PKG001"}),
    "text": (lambda: b"hello", {"PKG001"}),
    "only an end record": (lambda: b"PK\x05\x06" + bytes(18), {"PKG002", "PKG003"}),
    "cut off": (lambda: package()[:-30], {"PKG001"}),
    "two directories": (two_directories, {"PKG002", "PKG003"}),
    "a backslash in a name": (
        lambda: zipped(files() | {"..\\evil.txt": b"x"}),
        {"PKG007"},
    ),
    "a device": (lambda: zipped(files() | {"Resources/nul.txt": b"x"}), {"PKG010"}),
    "a name with a control character": (
        lambda: zipped(files() | {"a\x07b.txt": b"x"}),
        {"PKG010", "PKG006"},
    ),
    "deep markup": (lambda: with_manifest(deep(100_000)), {"MAN001"}),
    "entities that expand": (lambda: with_manifest(expanding()), {"MAN001"}),
    "an encoding that is not declared so": (
        lambda: with_manifest(declared("utf-16")),
        {"MAN001"},
    ),
    "an encoding that nobody knows": (lambda: with_manifest(declared("x-klingon")), {"MAN001"}),
    "a manifest of NULs": (lambda: with_manifest(bytes(5000)), {"MAN001"}),
    "an empty manifest": (lambda: with_manifest(b""), {"MAN001"}),
    "a tag without end": (lambda: with_manifest(b"<a " + b"b" * 3_000_000), {"MAN001"}),
    "NULs in rows": (lambda: package(data=b"CUSTOMERGROUPID,DESCRIPTION\r\n1,\0\r\n"), {"MAN010"}),
    "a quote that is never closed": (
        lambda: stored(data=CUSTOMER_GROUPS.csv + b'40,"' + b"x\r\n" * 2_000_000),
        {"CSV004"},
    ),
    "a row of ten megabytes": (
        lambda: stored(data=CUSTOMER_GROUPS.csv + b"40," + bytes(range(65, 91)) * 400_000),
        {"CSV004"},
    ),
    "sixteen thousand columns": (lambda: of_wide_header(16_384), {"MAP002"}),
    "a workbook that is none": (
        lambda: of_format("EXCEL", zipped({"xl/workbook.xml": b"<x"}), ".xlsx"),
        {"MAN010"},
    ),
    "an XML file of NULs": (lambda: of_format("XML-Element", bytes(100), ".xml"), {"XML001"}),
    "half a character": (
        lambda: of_format("CSV-Unicode", utf16(CUSTOMER_GROUPS.csv.decode()) + b"\x01"),
        {"MAN010"},
    ),
    "a number too large": (
        lambda: package(manifest=[("<ExecutionUnit>1<", f"<ExecutionUnit>{'9' * 40}<")]),
        {"MAN016"},
    ),
    "a name of sixty thousand characters": (
        lambda: package(
            manifest=[("<DefinitionGroupName>", f"<DefinitionGroupName>{'x' * 60_000}")]
        ),
        {"MAN009"},
    ),
    "no entity": (
        lambda: with_manifest(f'<DataManagementPackageManifest xmlns="{NAMESPACE}"/>'.encode()),
        {"PKG005", "PKG006"},
    ),
    "an entity without anything": (
        lambda: with_manifest(
            f'<DataManagementPackageManifest xmlns="{NAMESPACE}"><PackageEntityList>'
            "<DataManagementPackageEntityData/></PackageEntityList>"
            "</DataManagementPackageManifest>".encode()
        ),
        {"PKG005", "MAN017", "MAN004", "MAN010"},
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gives_findings(name, found):
    make, expected = BAD[name]
    assert expected <= found(make())


@pytest.mark.parametrize("seed", SEEDS)
def test_bytes_changed_anywhere_never_end_in_a_trace(seed, found):
    chance = random.Random(seed)
    octets = bytearray(package(lint_cases.CUSTOMERS, CUSTOMER_GROUPS))
    for _ in range(chance.randint(1, 12)):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    assert isinstance(found(bytes(octets)), set)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_changed_anywhere_never_ends_in_a_trace(seed, found):
    chance = random.Random(seed)
    made = files(lint_cases.CUSTOMERS, CUSTOMER_GROUPS)
    name = chance.choice(sorted(made))
    octets = bytearray(made[name])
    for _ in range(chance.randint(1, 12)):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    assert isinstance(found(zipped(made | {name: bytes(octets)})), set)


def of_many_maps(count):
    maps = "".join(FIRST_MAP.replace("CUSTOMERGROUPID", f"F{number}") for number in range(count))
    return package(manifest=[(FIRST_MAP, maps)])


def test_twenty_thousand_maps_are_more_than_an_entity_holds(tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(of_many_maps(20_000))
    assert {"MAP005", "MAP009", "MAP010"} <= codes(path)


def test_many_maps_are_judged_in_bounded_memory(tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(of_many_maps(10_000))
    tracemalloc.start()
    try:
        assert "MAP009" in codes(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


def test_many_rows_are_judged_in_bounded_memory(tmp_path):
    row = b"%d,some description of the group\r\n"
    data = b"CUSTOMERGROUPID,DESCRIPTION\r\n" + b"".join(row % n for n in range(100_000))
    path = tmp_path / "package.zip"
    path.write_bytes(package(data=data))
    tracemalloc.start()
    try:
        assert codes(path) == set()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 << 20
