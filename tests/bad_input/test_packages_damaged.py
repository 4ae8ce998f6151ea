"""Good packages with a little damage anywhere: whatever it is, it is told and nothing breaks.

`D365FO_EMULATOR_DAMAGES` says how many packages are damaged in all.
"""

from __future__ import annotations

import io
import os
import random  # noqa: TID251  the test's own, seeded
import zipfile

import pytest

from bad_input.packages import zipped
from bad_input.support import GROUPS, TERMINAL
from d365fo_emulator.packages.formats.registry import FORMATS
from written_packages import written

pytestmark = pytest.mark.evidence("inferred")

DAMAGES = int(os.environ.get("D365FO_EMULATOR_DAMAGES", "360"))
COLUMNS = ["CUSTOMERGROUPID", "DESCRIPTION", "ISSALESTAXINCLUDEDINPRICE"]
ROWS = [["10", "Größe; 'a' | \"b\": c, d", "Yes"], ["20", "Zweite", "No"], ["30", "", ""]]
CONTROL = ("Manifest.xml", "PackageHeader.xml")
ODD = (
    b"\0",
    b"\xff",
    b"\xd8",
    b"<",
    b">",
    b"&",
    b'"',
    b",",
    b"\r",
    b"\n",
    b"\x1a",
    b"=",
    b"]]>",
    b"\xef\xbb\xbf",
)


def damaged(octets, dice):
    """Bits turned, pieces cut out, doubled, exchanged or put in."""
    found = bytearray(octets)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        at, size = dice.randrange(len(found) + 1), dice.choice((1, 1, 2, 4, 30, 400))
        match dice.randrange(5):
            case 0 if at < len(found):
                found[at] ^= 1 << dice.randrange(8)
            case 1:
                del found[at : at + size]
            case 2:
                found[at:at] = found[at : at + size]
            case 3:
                found[at:at] = dice.choice(ODD)
            case _:
                found[at : at + size] = bytes(dice.randrange(256) for _ in range(size))
    return bytes(found)


def files_of(package):
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def inside(files, name, dice):
    """The package with this file damaged, in one of its parts where it is a zip itself."""
    content = files[name]
    if name.endswith(".xlsx") and dice.random() < 0.8:
        parts = files_of(content)
        part = dice.choice(sorted(parts))
        content = zipped(parts | {part: damaged(parts[part], dice)})
    else:
        content = damaged(content, dice)
    return zipped(files | {name: content})


def damages(source_format, dice):
    """Packages without end, each damaged in its data, a control file or the zip itself."""
    package = written(GROUPS, "CustCustomerGroupEntity", COLUMNS, ROWS, source_format)
    files = files_of(package)
    (data,) = set(files) - set(CONTROL)
    while True:
        yield inside(files, data, dice)
        yield inside(files, data, dice)
        yield inside(files, dice.choice(CONTROL), dice)
        yield damaged(package, dice)


@pytest.mark.parametrize("source_format", [one.name for one in FORMATS])
def test_a_damaged_package_is_refused_or_comes_to_an_end(server, place, source_format):
    dice = random.Random(source_format)
    earlier = len(server.failures)
    for number, content in zip(
        range(-(-DAMAGES // len(FORMATS))), damages(source_format, dice), strict=False
    ):
        answer = place.import_package(content)
        if answer.status != 200:
            assert answer.status in {400, 501}, (number, answer.text)
            continue
        execution = answer.json["value"]
        if place.act("GetExecutionSummaryStatus", executionId=execution).status == 200:
            assert place.finish(execution) in TERMINAL
        assert place.act("GetExecutionErrors", executionId=execution).status == 200
        assert server.failures[earlier:] == (), number
    held = place.view.parts.workspace.folder / "packages"
    assert list(held.iterdir()) == []
