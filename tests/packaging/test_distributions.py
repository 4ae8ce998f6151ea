"""What is in the wheel and the source distribution, and that the wheel alone works."""

from __future__ import annotations

import configparser
import email
import tarfile
import zipfile
from pathlib import Path

import pytest

from packaging_tools import ROOT, run

pytestmark = [pytest.mark.xdist_group("packaging"), pytest.mark.evidence("documented")]

PACKAGE = ROOT / "emulator" / "d365fo_emulator"


def is_cache(path):
    return any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def wheel_text(distributions, name):
    with zipfile.ZipFile(distributions.wheel) as wheel:
        (path,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
        return wheel.read(path).decode()


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(distributions):
    with zipfile.ZipFile(distributions.wheel) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    source = {
        f"d365fo_emulator/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and not is_cache(path.relative_to(PACKAGE))
    }
    assert packed == source


@pytest.mark.parametrize(
    "pattern",
    ["py.typed", "entities/**/*.json", "scenarios/**/*.yaml", "scenarios/**/*.json"],
)
def test_data_that_the_program_reads_is_in_the_wheel(distributions, pattern):
    with zipfile.ZipFile(distributions.wheel) as wheel:
        names = [Path(name) for name in wheel.namelist()]
    wanted = {path.relative_to(PACKAGE.parent) for path in PACKAGE.glob(pattern)}
    assert wanted
    assert wanted <= set(names)


def test_the_source_distribution_holds_what_the_wheel_is_built_and_tested_from(distributions):
    with tarfile.open(distributions.sdist) as sdist:
        tops = {name.split("/")[1] for name in sdist.getnames() if "/" in name}
    assert {"emulator", "fixtures", "tests", "README.md", "LICENSE", "pyproject.toml"} <= tops


def test_no_cache_or_build_product_is_distributed(distributions):
    with tarfile.open(distributions.sdist) as sdist:
        names = sdist.getnames()
    assert not [name for name in names if "__pycache__" in name or "/." in name.partition("/")[2]]


def test_the_wheel_declares_the_command_and_the_pytest_plugin(distributions):
    entries = configparser.ConfigParser(delimiters="=")
    entries.read_string(wheel_text(distributions, "entry_points.txt"))
    assert dict(entries["console_scripts"]) == {
        "d365fo-emulator": "d365fo_emulator.cli.main:main",
    }
    assert dict(entries["pytest11"]) == {
        "d365fo_emulator.pytest_plugin": "d365fo_emulator.pytest_plugin",
    }


def test_the_wheel_says_what_it_is_and_what_it_needs(distributions):
    metadata = email.message_from_string(wheel_text(distributions, "METADATA"))
    assert metadata["Name"] == "d365fo-emulator"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    needed = {line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line}
    assert {"flask", "httptools", "pyyaml"} <= {line.split("<")[0].split(">")[0] for line in needed}


def test_the_installed_command_explains_itself(installed):
    assert "Usage:" in run(installed / "d365fo-emulator", "--help")


def test_the_installed_package_is_the_wheels_own(installed, tmp_path):
    where = run(
        installed / "python", "-c", "import d365fo_emulator as d; print(d.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(installed.parent)
