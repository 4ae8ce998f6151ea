"""Packages that the product wrote, where somebody has them; they are not ours to pass on.

`D365FO_EMULATOR_REAL_PACKAGES` names a folder of such packages and `expected.json`: by package,
`entities` with `name`, `rows`, `columns` and `columns_without_map`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from d365fo_emulator.packages.archive import open_package
from d365fo_emulator.packages.formats.delimited import CSV
from d365fo_emulator.packages.formats.model import Shape
from d365fo_emulator.packages.formats.registry import STANDARD
from d365fo_emulator.packages.manifest import (
    parse_header,
    parse_manifest,
    write_header,
    write_manifest,
)
from d365fo_emulator.packages.mapping import plan_columns, wanted_columns

BESIDE = Path(__file__).parents[4] / "shared" / "packages"
FOLDER = Path(os.environ.get("D365FO_EMULATOR_REAL_PACKAGES", BESIDE))
PACKAGES = sorted(FOLDER.glob("*.zip"))

pytestmark = [
    pytest.mark.evidence("recorded"),
    pytest.mark.skipif(not PACKAGES, reason="no real packages at hand"),
]


@pytest.fixture(scope="module")
def expected():
    for folder in (FOLDER, BESIDE):
        if (folder / "expected.json").exists():
            return json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    pytest.skip("no expected.json beside the packages")


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.name)
def test_each_file_has_the_rows_and_columns_that_others_counted(path, expected):
    if path.name not in expected:
        pytest.skip("nobody counted this package")
    counted = {item["name"]: item for item in expected[path.name]["entities"]}
    with open_package(path) as package:
        manifest = parse_manifest(package.open("Manifest.xml"))
        assert len(manifest.entities) == expected[path.name]["entities_listed"]
        present = [entity for entity in manifest.entities if package.find(entity.file_name)]
        assert len(present) == expected[path.name]["entities_with_file"]
        for entity in present:
            with package.open(entity.file_name) as stream:
                table = STANDARD.find(entity.source_format).read(
                    stream,
                    Shape(
                        entity.target_entity,
                        entity.label,
                        wanted_columns(entity.maps),
                        (),
                        entity.sheet,
                    ),
                )
                plan = plan_columns(table.header, entity.maps)
                rows = sum(1 for _ in table.rows)
            want = counted[entity.label]
            assert (rows, table.header) == (want["rows"], want["columns"])
            assert list(plan.ignored) == want["columns_without_map"]


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.name)
def test_control_files_survive_reading_and_writing(path, tmp_path):
    with open_package(path) as package:
        manifest = parse_manifest(package.open("Manifest.xml"))
        header = parse_header(package.open("PackageHeader.xml"))
        original = package.open("PackageHeader.xml").read()
    if original.startswith(b"\xff\xfe"):
        assert write_header(header) == original
    (tmp_path / "Manifest.xml").write_bytes(write_manifest(manifest))
    with (tmp_path / "Manifest.xml").open("rb") as stream:
        assert parse_manifest(stream) == manifest


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/*.csv")), ids=lambda path: path.name)
def test_loose_csv_files_are_read(path):
    with path.open("rb") as stream:
        table = CSV.read(stream, Shape())
        assert all(len(row) == len(table.header) for row in table.rows)
