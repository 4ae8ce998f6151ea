"""The packages of `fixtures/packages`: built as they lie there, and good or broken as they say."""

from __future__ import annotations

import importlib.util
import zlib
from pathlib import Path

import openpyxl
import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.packages.archive import open_package
from d365fo_emulator.packages.errors import (
    ControlFileInvalid,
    ControlFileMissing,
    HostilePackage,
    LimitExceeded,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.delimited import HeadFinding, check_encoding
from d365fo_emulator.packages.formats.registry import STANDARD
from d365fo_emulator.packages.formats.shaping import shape_to_read
from d365fo_emulator.packages.manifest import parse_header, parse_manifest
from d365fo_emulator.packages.mapping import plan_columns

FIXTURES = Path(__file__).parents[3] / "fixtures"
FOLDER = FIXTURES / "packages"
CATALOGUE = BuiltinCatalogue()


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("build_packages", FIXTURES / "build_packages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(script):
    return script.build()


def imported(name):
    """Rows by label, as an import would take them."""
    with open_package(FOLDER / name) as package:
        parse_header(package.open("PackageHeader.xml"))
        manifest = parse_manifest(package.open("Manifest.xml"))
        return {entity.label: entity_rows(package, entity) for entity in manifest.entities}


def entity_rows(package, entity):
    if not entity.maps:
        return []
    file_name = package.find(entity.file_name)
    if file_name is None:
        return None
    with package.open(file_name) as stream:
        table = STANDARD.find(entity.source_format).read(
            stream,
            shape_to_read(CATALOGUE.find(entity.label), entity.maps, entity.sheet),
        )
        plan = plan_columns(table.header, entity.maps)
        return [
            dict(zip(plan.fields, [row[at] for at in plan.positions], strict=True))
            for row in table.rows
        ]


@pytest.mark.evidence("inferred")
def test_building_anew_gives_the_same_files(built):
    lying = {path.name for path in FOLDER.iterdir()} - {"README.md", "outcomes.yaml"}
    assert lying == built.keys()
    different = {name for name, content in built.items() if (FOLDER / name).read_bytes() != content}
    assert different <= _made_by_libraries()


def _made_by_libraries():
    """Files that another build of zlib or release of openpyxl may write in other bytes."""
    classic = zlib.ZLIB_RUNTIME_VERSION.startswith("1.") and "ng" not in zlib.ZLIB_RUNTIME_VERSION
    workbooks = {"customer-groups-excel.zip", "broken-plain-xlsx.xlsx", "broken-sheet-name.zip"}
    if not classic:
        return workbooks | {"broken-zip-bomb.zip"}
    return set() if openpyxl.__version__.startswith("3.1.") else workbooks


@pytest.mark.evidence("inferred")
def test_the_readme_names_each_file(built):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in built if f"| `{name}` |" not in readme] == []


def rows_of(table):
    header, *rows = table
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    "kind",
    [
        "csv",
        "csv-utf8",
        "csv-unicode",
        "tab",
        "tab-unicode",
        "pipe",
        "semicolon",
        "colon",
        "fixed",
        "fixed-unicode",
        "xml-element",
        "xml-attribute",
        "excel",
        "zip64",
    ],
)
def test_customer_groups_are_the_same_in_each_format(script, kind):
    rows = imported(f"customer-groups-{kind}.zip")["Customer groups"]
    assert rows == rows_of(script.GROUPS)


@pytest.mark.evidence("documented")
def test_the_other_good_packages_are_read_whole(script):
    assert imported("currencies.zip") == {"Currencies": rows_of(script.CURRENCIES)}
    assert imported("customers-with-groups.zip") == {
        "Customers V3": rows_of(script.CUSTOMERS),
        "Customer groups": rows_of(script.GROUPS),
    }


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("broken-no-header.zip", ControlFileMissing, "PackageHeader.xml is not at the root"),
        ("broken-in-folder.zip", ControlFileMissing, "in a folder"),
        ("broken-plain-xlsx.xlsx", ControlFileMissing, "PackageHeader.xml is not at the root"),
        ("broken-manifest-not-xml.zip", ControlFileInvalid, "not well-formed"),
        ("broken-manifest-with-dtd.zip", ControlFileInvalid, "type declaration"),
        ("broken-wrong-encoding.zip", SourceUnreadable, "Selected file is not Unicode"),
        ("broken-header-mismatch.zip", SourceUnreadable, "DMF2025: .*CUSTOMERGROUPID"),
        ("broken-zip-bomb.zip", LimitExceeded, "200 times"),
        ("broken-dotdot-names.zip", HostilePackage, "leaves the folder"),
        ("broken-ragged-row.zip", SourceUnreadable, "DMF2050"),
        ("broken-doubled-names.zip", HostilePackage, "two files"),
        ("broken-encrypted.zip", HostilePackage, "encrypted"),
    ],
)
def test_broken_packages_fail_as_they_say(name, error, text):
    with pytest.raises(error, match=text):
        imported(name)


@pytest.mark.evidence("client")
def test_without_maps_nothing_is_read():
    assert imported("broken-no-maps.zip") == {"Customer groups": []}


@pytest.mark.evidence("documented")
def test_a_file_that_the_manifest_names_may_be_missing():
    assert imported("broken-missing-file.zip") == {"Customer groups": None}


@pytest.mark.evidence("client")
def test_lines_that_end_in_lf_alone_are_found_by_the_files_head():
    with open_package(FOLDER / "broken-lf-only.zip") as package:
        head = package.open("Customer groups.csv").read(4096)
    assert check_encoding(head) is HeadFinding.LF_ONLY
