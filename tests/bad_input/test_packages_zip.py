"""Zips of every odd form: taken where a reader can know what is meant, else refused or failed."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from bad_input import packages, zips
from bad_input.packages import DATA, manifest
from bad_input.support import GROUPS, assert_action_refusal, peak_memory

pytestmark = pytest.mark.evidence("inferred")

MIB = 1 << 20
TRACES = ("executions", "projects", "errors", "progress")


def imported(place, content):
    execution = place.import_package(content).json["value"]
    return place.finish(execution)


def keys(place):
    return set(place.view.rows(GROUPS, company="USMF"))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(zips.streamed(), id="sizes behind the data"),
        pytest.param(zips.of_zip64(0), id="64-bit end records"),
        pytest.param(zips.of_two_directories(), id="an older directory before its own"),
        pytest.param(zips.after_another(), id="another whole package before it"),
        pytest.param(packages.of_many_files(12_000 - 3), id="12,000 files"),
        pytest.param(zips.built(zips.entries()), id="no compression"),
        pytest.param(zips.built(zips.entries(size=5000)), id="a size that its data do not have"),
    ],
)
def test_a_zip_is_taken_that_has(place, content):
    assert imported(place, content) == "Succeeded"
    assert keys(place) == {"10", "20", "30", "80", "90"}


@pytest.mark.parametrize(
    ("encoding", "flags"),
    [
        pytest.param("cp437", 0, id="the code page of zips"),
        pytest.param("utf-8", zips.UTF8, id="UTF-8 by its flag"),
    ],
)
def test_names_beyond_ascii_are_found_in(place, encoding, flags):
    name = "Größe ±.csv"
    text = manifest((f"<InputFilePath>{DATA}<", f"<InputFilePath>{name}<"))
    control = zips.entries()[1:]
    control[0] = zips.Entry(b"Manifest.xml", text)
    data = zips.Entry(name.encode(encoding), packages.files()[DATA], flags)
    assert imported(place, zips.built([data, *control])) == "Succeeded"
    assert {"10", "20", "30"} <= keys(place)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"local_name": b"Other file.csv"}, "damaged", id="another name before it"),
        pytest.param({"crc": 1}, "damaged", id="another sum"),
        pytest.param({"size": 10}, "damaged", id="less than it has"),
        pytest.param({"size": 5000, "packed": 5000}, "damaged", id="more than there is"),
        pytest.param({"size": 0, "packed": 0}, "damaged", id="nothing, with a sum of something"),
        pytest.param({"flags": 0x20}, "damaged", id="a patch for data"),
    ],
)
def test_a_data_file_fails_alone_whose_record_says(place, changes, text):
    url = place.upload(zips.built(zips.entries(**changes)))
    with place.changing(*TRACES), peak_memory() as at_most:
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"
        at_most(64 * MIB)
    (error,) = place.view.executions.only().errors
    assert error["message"] == f"{DATA} is {text} in the package"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(
            packages.of_many_files(12_001 - 3),
            "the package has 12001 files; the limit is 12000",
            id="12,001 files",
        ),
        pytest.param(
            zips.of_zip64(1 << 40),
            f"the package has {1 << 40} files; the limit is 12000",
            id="2**40 files by its 64-bit record",
        ),
        pytest.param(
            zips.built(zips.entries(flags=0x40)), f"{DATA} is encrypted", id="strong encryption"
        ),
        pytest.param(
            zips.built(zips.entries(flags=0x1)), f"{DATA} is encrypted", id="weak encryption"
        ),
        pytest.param(
            zips.built([*zips.entries(), zips.Entry(b"manifest.XML", b"<x/>")]),
            "the package has two files of the name 'manifest.XML'",
            id="two manifests",
        ),
        pytest.param(
            zips.built([*zips.entries(), zips.Entry(b"Customer groups.csv\0.exe", b"x")]),
            f"the package has two files of the name '{DATA}'",
            id="a name that goes on behind a NUL",
        ),
        pytest.param(
            zips.built([*zips.entries(), zips.Entry("\u2024\u2024/x".encode(), b"x", zips.UTF8)]),
            None,
            id="dots that are none",
        ),
    ],
)
def test_a_zip_is_judged_at_the_call_that_has(place, content, text):
    url = place.upload(content)
    if text is None:
        assert place.finish(place.import_from(url).json["value"]) == "Succeeded"
        return
    with place.changing(), peak_memory() as at_most:
        assert_action_refusal(place.import_from(url), "ImportFromPackage", text)
        at_most(64 * MIB)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            zips.built([*zips.entries(), zips.Entry(b"\xff\xfe", b"x", zips.UTF8)]),
            id="a name that is no UTF-8 though its flag says so",
        ),
        pytest.param(zips.of_zip64(0, 1 << 20), id="a directory that is larger than the file"),
    ],
)
def test_what_no_reader_can_list_is_no_zip(place, content):
    """The recorded text: the service looks for the header among the files that it unpacked."""
    url = place.upload(content)
    with place.changing():
        answer = place.import_from(url)
        assert answer.status == 400
        text = answer.json["error"]["innererror"]["message"]
        assert "Could not find file" in text or "files; the limit is" in text


@pytest.mark.parametrize("name", ["CON", "aux.csv", "groups:b.csv", "x.csv.", "a<b>|?*.csv", "a/b"])
def test_a_name_that_windows_forbids_reaches_no_file_of_the_machine(place, name):
    """Nothing is unpacked, so that any name is but a text; `lint` tells of it."""
    text = manifest((f"<InputFilePath>{DATA}<", f"<InputFilePath>{escape(name)}<"))
    content = packages.files(data=None, manifest=text) | {name: packages.files()[DATA]}
    url = place.upload(packages.zipped(content))
    with place.changing("executions", "projects", "rows", "progress", "staging"):
        assert place.finish(place.import_from(url).json["value"]) == "Succeeded"
    assert {"10", "20", "30"} <= keys(place)
