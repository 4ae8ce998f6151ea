"""Commands and paths that the packaging tests share."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def show(dependencies, environment):
    """Puts the dependencies on the path of a new environment."""
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{dependencies}\n")


def run(*command, **options):
    """Runs a command; its output is in the failure."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **{"env": environment, **options},
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout
