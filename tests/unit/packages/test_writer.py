from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import pytest

from d365fo_emulator.packages.archive import open_package
from d365fo_emulator.packages.errors import ControlFileInvalid
from d365fo_emulator.packages.manifest import parse_header, parse_manifest
from d365fo_emulator.packages.model import FieldMap, Manifest, PackageEntity, PackageHeader
from d365fo_emulator.packages.naming import file_name_for, sheet_name_for
from d365fo_emulator.packages.writer import PackageWriter

STAMP = datetime(2026, 11, 24, 16, 30, 59, tzinfo=UTC)
MANIFEST = Manifest(
    "Export", "Export", (PackageEntity("Units", "Units.csv", "CSV", (FieldMap("A", "A"),)),)
)


def write(target, stamp=STAMP):
    with PackageWriter(target, stamp) as writer:
        with writer.data_file("Units.csv") as stream:
            stream.write(b"A\r\n")
            stream.write(b"1\r\n")
        writer.finish(MANIFEST, PackageHeader("Export"), {"Units": "UnitOfMeasureEntity"})


class Pipe(io.RawIOBase):
    """A stream that only goes forwards, as a response body."""

    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, data):
        self.content += bytes(data)
        return len(data)


@pytest.mark.evidence("documented")
def test_a_written_package_is_one_that_opens(tmp_path):
    path = tmp_path / "package.zip"
    write(path)
    with open_package(path) as package:
        assert package.names == ("Units.csv", "Manifest.xml", "PackageHeader.xml")
        assert package.open("Units.csv").read() == b"A\r\n1\r\n"
        manifest = parse_manifest(package.open("Manifest.xml"))
        assert manifest.entities[0].target_entity == "UnitOfMeasureEntity"
        assert parse_header(package.open("PackageHeader.xml")) == PackageHeader("Export")


@pytest.mark.evidence("inferred")
def test_a_package_can_be_written_to_a_stream_that_only_goes_forwards(tmp_path):
    pipe = Pipe()
    write(pipe)
    path = tmp_path / "package.zip"
    path.write_bytes(pipe.content)
    with open_package(path) as package:
        assert package.open("Units.csv").read() == b"A\r\n1\r\n"


@pytest.mark.evidence("documented")
def test_its_files_carry_the_time_that_was_handed_in_and_nothing_of_this_machine():
    first, second = io.BytesIO(), io.BytesIO()
    write(first)
    write(second)
    assert first.getvalue() == second.getvalue()
    with zipfile.ZipFile(first) as archive:
        for info in archive.infolist():
            assert info.date_time == (2026, 11, 24, 16, 30, 58)
            assert (info.create_system, info.compress_type) == (0, zipfile.ZIP_DEFLATED)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(("year", "stored"), [(1900, 1980), (2154, 2107)])
def test_a_clock_beyond_the_years_of_zip_is_held_at_their_ends(year, stored):
    target = io.BytesIO()
    write(target, datetime(year, 2, 3, tzinfo=UTC))
    with zipfile.ZipFile(target) as archive:
        assert archive.infolist()[0].date_time[:3] == (stored, 2, 3)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", ["Units.csv", "UNITS.CSV", "manifest.xml"])
def test_no_two_files_have_one_name(name):
    with PackageWriter(io.BytesIO(), STAMP) as writer:
        with writer.data_file("Units.csv"), pytest.raises(ValueError, match="already"):
            writer._new("units.csv")
        if name == "manifest.xml":
            writer.finish(MANIFEST, PackageHeader())
        with pytest.raises(ValueError, match="already"), writer.data_file(name):
            pass


@pytest.mark.evidence("inferred")
def test_a_refused_manifest_leaves_no_half_written_control_file():
    target = io.BytesIO()
    with PackageWriter(target, STAMP) as writer, pytest.raises(ControlFileInvalid):
        writer.finish(Manifest("\a", "", ()), PackageHeader())
    assert zipfile.ZipFile(target).namelist() == []


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("label", "file_name", "sheet"),
    [
        ("Currencies", "Currencies.xlsx", "Currencies"),
        ("Country/regions", "Countryregions.xlsx", "Country_regions"),
        (
            "Address and contact information purpose",
            "Address and contact information purpose.xlsx",
            "Address_and_contact_informatio",
        ),
        ('A<b>:"c"\\|?*', "Abc.xlsx", "A_b___c_____"),
        ("???", "Entity.xlsx", "___"),
    ],
)
def test_files_and_sheets_are_named_after_the_label(label, file_name, sheet):
    assert file_name_for(label, ".xlsx") == file_name
    assert sheet_name_for(label) == sheet
