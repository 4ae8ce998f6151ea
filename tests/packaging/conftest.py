"""The built distributions, and new environments to install them into."""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from packaging_tools import ROOT, run, show


@dataclass(frozen=True)
class Distributions:
    """What `python -m build` made of the checkout: the wheel was built from the sdist."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def distributions(tmp_path_factory):
    """Builds both once; without isolation, as the build backend is a development dependency."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return Distributions(wheel, sdist)


@pytest.fixture(scope="session")
def dependencies(tmp_path_factory):
    """A folder that shows this environment's packages, less the project itself.

    A new environment that has it on its path through a `.pth` file finds all dependencies
    installed and needs no package index; the project can then only come from the wheel.
    """
    folder = tmp_path_factory.mktemp("dependencies")
    for site in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(site).iterdir():
            if "d365fo_emulator" not in entry.name and entry.suffix != ".pth":
                (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory, distributions, dependencies):
    """The `bin` folder of a new environment with the wheel in it."""
    environment = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    show(dependencies, environment)
    run(python, "-m", "pip", "install", "--no-index", distributions.wheel)
    return environment / "bin"
