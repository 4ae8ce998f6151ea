from __future__ import annotations

import io
import struct
import zipfile

import pytest

from d365fo_emulator.packages.archive import PackageLimits, open_package
from d365fo_emulator.packages.errors import (
    ControlFileMissing,
    HostilePackage,
    LimitExceeded,
    SourceUnreadable,
)

CONTROL = {"Manifest.xml": b"<m/>", "PackageHeader.xml": b"<h/>"}


def zipped(tmp_path, files, compression=zipfile.ZIP_DEFLATED):
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def package_with(tmp_path, *files, **kwargs):
    return zipped(tmp_path, [*CONTROL.items(), *files], **kwargs)


@pytest.mark.evidence("inferred")
def test_letter_case_of_names_does_not_count(tmp_path):
    path = zipped(tmp_path, [("manifest.XML", b"m"), ("PACKAGEHEADER.xml", b"h"), ("A.csv", b"x")])
    with open_package(path) as package:
        assert package.find("a.CSV") == "A.csv"
        assert package.find("b.csv") is None
        assert package.open("Manifest.xml").read() == b"m"
        assert package.size_of("a.csv") == 1
        assert package.names == ("manifest.XML", "PACKAGEHEADER.xml", "A.csv")


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("content", [b"", b"A,B\r\n1,2\r\n", b"PK\x05\x06", b"PK\x03\x04" * 100])
def test_an_upload_that_is_no_zip_lacks_its_package_header(tmp_path, content):
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(ControlFileMissing) as caught:
        open_package(path)
    assert caught.value.file_name == "PackageHeader.xml"
    assert caught.value.because == "the upload is no zip"


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("names", "missing", "because"),
    [
        (["Manifest.xml"], "PackageHeader.xml", "no file of this name"),
        (["PackageHeader.xml"], "Manifest.xml", "no file of this name"),
        (["x/Manifest.xml", "x/PackageHeader.xml"], "PackageHeader.xml", "in a folder"),
        (["x\\Manifest.xml", "x\\PackageHeader.xml"], "PackageHeader.xml", "in a folder"),
        ([], "PackageHeader.xml", "no file of this name"),
    ],
)
def test_control_files_must_be_at_the_root(tmp_path, names, missing, because):
    path = zipped(tmp_path, [(name, b"") for name in names])
    with pytest.raises(ControlFileMissing) as caught:
        open_package(path)
    assert caught.value.file_name == missing
    assert because in caught.value.because


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "name", ["../a.csv", "x/../../a.csv", "..\\a.csv", "/a.csv", "\\a.csv", "C:\\a.csv", "c:a.csv"]
)
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(HostilePackage, match="leaves the folder"):
        open_package(package_with(tmp_path, (name, b"x")))


@pytest.mark.evidence("inferred")
def test_names_that_differ_by_letter_case_alone_are_refused(tmp_path):
    with pytest.raises(HostilePackage, match="two files"):
        open_package(package_with(tmp_path, ("a.csv", b"x"), ("A.CSV", b"y")))


@pytest.mark.evidence("inferred")
def test_a_name_given_twice_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = package_with(tmp_path, ("a.csv", b"x"), ("a.csv", b"y"))
    with pytest.raises(HostilePackage, match="two files"):
        open_package(path)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_than_deflate_is_refused(tmp_path, method):
    with pytest.raises(HostilePackage, match="compressed by method"):
        open_package(package_with(tmp_path, ("a.csv", b"x" * 100), compression=method))


@pytest.mark.evidence("inferred")
def test_an_encrypted_file_is_refused(tmp_path):
    path = package_with(tmp_path, ("a.csv", b"x"))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(HostilePackage, match="encrypted"):
        open_package(path)


@pytest.mark.evidence("inferred")
def test_a_file_that_expands_a_thousandfold_is_refused_unread(tmp_path):
    path = package_with(tmp_path, ("a.csv", bytes(8 << 20)))
    with pytest.raises(LimitExceeded, match="200 times"):
        open_package(path)


@pytest.mark.evidence("inferred")
def test_the_first_mebibyte_is_free_of_the_ratio(tmp_path):
    with open_package(package_with(tmp_path, ("a.csv", bytes(1 << 20)))) as package:
        assert len(package.open("a.csv").read()) == 1 << 20


@pytest.mark.evidence("inferred")
def test_all_files_together_are_limited(tmp_path):
    path = package_with(tmp_path, ("a.csv", b"x" * 600), ("b.csv", b"y" * 600))
    with pytest.raises(LimitExceeded, match="expands to"):
        open_package(path, PackageLimits(expanded_bytes=1000))


@pytest.mark.evidence("inferred")
def test_too_many_files_are_refused_before_they_are_listed(tmp_path, monkeypatch):
    path = package_with(tmp_path, *((f"{number}.csv", b"") for number in range(20)))

    def list_them(*_args, **_kwargs):
        raise AssertionError("the directory must not be read")

    monkeypatch.setattr("d365fo_emulator.packages.archive.zipfile.ZipFile", list_them)
    with pytest.raises(LimitExceeded, match="22 files"):
        open_package(path, PackageLimits(entries=21))


@pytest.mark.evidence("inferred")
def test_an_end_record_that_lies_about_the_number_is_found_out(tmp_path):
    path = package_with(tmp_path, *((f"{number}.csv", b"") for number in range(20)))
    content = bytearray(path.read_bytes())
    struct.pack_into("<2H", content, content.rindex(b"PK\x05\x06") + 8, 1, 1)
    path.write_bytes(content)
    with pytest.raises(LimitExceeded, match="22 files"):
        open_package(path, PackageLimits(entries=21))


@pytest.mark.evidence("inferred")
def test_ten_thousand_data_files_are_taken(tmp_path):
    path = package_with(
        tmp_path,
        *((f"{number}.csv", b"") for number in range(10_000)),
        compression=zipfile.ZIP_STORED,
    )
    with open_package(path) as package:
        assert len(package.names) == 10_002


@pytest.mark.evidence("inferred")
def test_damage_shows_as_an_unreadable_source(tmp_path):
    path = package_with(tmp_path, ("a.csv", b"hello" * 100), compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"hellohello", b"helloHELLO", 1))
    with open_package(path) as package, pytest.raises(SourceUnreadable, match="damaged"):
        package.open("a.csv").read()


@pytest.mark.evidence("inferred")
def test_a_record_that_understates_its_size_gives_no_more_than_it_says(tmp_path):
    path = package_with(tmp_path, ("a.csv", bytes(100_000)))
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24
    struct.pack_into("<L", content, at, 1000)
    path.write_bytes(content)
    with open_package(path) as package, pytest.raises(SourceUnreadable, match="damaged"):
        package.open("a.csv").read()


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("cut", [1, 10, 22, 60])
def test_a_cut_zip_is_no_zip(tmp_path, cut):
    path = package_with(tmp_path, ("a.csv", b"x"))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ControlFileMissing, match="no zip"):
        open_package(path)


@pytest.mark.evidence("inferred")
def test_a_directory_that_points_before_the_file_is_refused(tmp_path):
    path = package_with(tmp_path, ("a.csv", b"x"))
    content = bytearray(path.read_bytes())
    # The directory's place moved up: `zipfile` then takes each file's place as that much less.
    at = content.rindex(b"PK\x05\x06") + 16
    struct.pack_into("<L", content, at, struct.unpack_from("<L", content, at)[0] + 1)
    path.write_bytes(content)
    with pytest.raises(HostilePackage, match="before the beginning"):
        open_package(path)


@pytest.mark.evidence("inferred")
def test_folders_of_the_zip_are_no_files(tmp_path):
    with open_package(package_with(tmp_path, ("Resources/", b""))) as package:
        assert package.find("Resources/") is None


@pytest.mark.evidence("inferred")
def test_several_files_are_read_side_by_side(tmp_path):
    with open_package(package_with(tmp_path, ("a", b"1\n2"), ("b", b"3\n4"))) as package:
        first, second = package.open("a"), package.open("b")
        lines = [first.readline(), second.readline(), first.readline(), second.readline()]
    assert lines == [b"1\n", b"3\n", b"2", b"4"]
    assert isinstance(first, io.BufferedReader)


@pytest.mark.evidence("client")
def test_attachments_lie_in_a_folder_of_their_entity(tmp_path):
    names = ["Resources/Units/a.pdf", "resources\\units\\b\\c.pdf", "Resources/Unitsx/d", "Units/e"]
    with open_package(package_with(tmp_path, *((name, b"x") for name in names))) as package:
        assert package.resources({"Units", ""}) == (names[0], "resources/units/b/c.pdf")
        assert package.resources({"", "Other"}) == ()
        assert package.resources(()) == ()
