"""Which files of a package are attachments, and which values name them."""

from __future__ import annotations

import zipfile

import pytest

from d365fo_emulator.packages.archive import open_workbook
from d365fo_emulator.packages.attachments import NamedFiles, attached_files, path_of, told
from d365fo_emulator.packages.model import PackageEntity

pytestmark = pytest.mark.evidence("inferred")

PLAN = PackageEntity("Units", "Units.csv", "CSV", (), transforms=("Turn.xslt",))


def attached(tmp_path, *members):
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, b"x")
    with path.open("rb") as stream, open_workbook(stream) as package:
        files, refused = attached_files(package, PLAN, ("UnitEntity", "Units"))
    return [(file.name, file.member) for file in files], refused


@pytest.mark.evidence("client")
def test_files_of_either_folder_are_attachments_and_transformations_none(tmp_path):
    members = ["Resources/UnitEntity/a/b.pdf", "resources/units/C", "Resources/Units/turn.XSLT"]
    assert attached(tmp_path, *members, "Resources/Other/d") == (
        [("a/b.pdf", members[0]), ("C", members[1])],
        [],
    )


@pytest.mark.parametrize("name", ["aux", "x/lpt1.txt", "a ", "b.", "c<", "..."])
def test_a_name_that_windows_forbids_is_refused_with_a_sentence(tmp_path, name):
    files, (sentence,) = attached(tmp_path, f"Resources/Units/{name}")
    assert files == []
    assert sentence.startswith(f"Resources/Units/{name}: Windows cannot have")


def test_values_name_files_whole_or_by_their_last_part():
    files = NamedFiles(["Deep/Logo.png", "logo.PNG", "x"])
    assert [*files.named_by(" LOGO.png ")] == ["Deep/Logo.png", "logo.PNG"]
    assert [*files.named_by("deep\\logo.png")] == ["Deep/Logo.png"]
    assert [*files.named_by("my logo.png")] == []
    assert [*files.named_by(None)] == []
    assert not NamedFiles([])


def test_an_export_puts_files_into_the_folder_of_the_aot_name():
    assert path_of("UnitEntity", "a/b.pdf") == "Resources/UnitEntity/a/b.pdf"


def test_of_many_files_that_are_not_kept_a_few_are_told_and_the_rest_counted():
    notes = told(["r"], [str(number) for number in range(30)], most=3)
    assert notes[0] == "r: it was not kept"
    assert notes[-1] == "28 more attachments were not kept"
    assert len(notes) == 4
