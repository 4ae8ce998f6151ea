"""Runs every check of the project: the same command locally and in continuous integration.

    python .ci/check.py               everything
    python .ci/check.py lint types    these alone

One line per check; all run even when one has failed; the exit code is 0 when all passed. The
line with which pytest closes comes last.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
WORKERS = "2"
PYTEST_CLOSING = re.compile(r"=+ .*\b(passed|failed|error|errors|no tests ran|skipped)\b.* =+\s*$")

TOOLS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "spelling": ["codespell", "--check-filenames"],
    "metadata": ["validate-pyproject", "pyproject.toml"],
}
"""Checks that one tool makes by itself; the tests come after them."""

CHECKS = [*TOOLS, "tests"]


def tool(name: str) -> str:
    """The tool installed beside this Python, else the one on the path."""
    return shutil.which(name, path=str(SCRIPTS)) or shutil.which(name) or name


def run_tool(name: str) -> tuple[bool, str]:
    """Runs one tool; its output is shown only when it fails."""
    program, *arguments = TOOLS[name]
    done = subprocess.run(
        [tool(program), *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode == 0, ""


def run_tests() -> tuple[bool, str]:
    """Runs the tests under coverage, prints the report; also returns pytest's closing line."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"COVERAGE_FILE": str(Path(folder) / "coverage")}
        coverage = [sys.executable, "-m", "coverage"]
        pytest = ["-m", "pytest", "-n", WORKERS, "--dist", "loadgroup"]
        passed, closing = stream([*coverage, "run", *pytest], environment)
        subprocess.run([*coverage, "combine", "--quiet"], cwd=ROOT, env=environment, check=False)
        report = subprocess.run([*coverage, "report"], cwd=ROOT, env=environment, check=False)
    if report.returncode:
        print("coverage is below the floor, or there is none (see above)", flush=True)
    return passed and report.returncode == 0, closing


def stream(command: list[str], environment: dict[str, str]) -> tuple[bool, str]:
    """Shows a test run as it goes, but for pytest's closing line, which is kept for the end."""
    closing = ""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101  asked for above
        for line in process.stdout:
            if PYTEST_CLOSING.match(line):
                closing = line.strip()
            else:
                print(line, end="", flush=True)
    return process.returncode == 0, closing


def main() -> int:
    """Runs the checks that were asked for and says how each ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"of: {', '.join(CHECKS)}")
    asked = parser.parse_args().checks or CHECKS
    if unknown := sorted(set(asked) - set(CHECKS)):
        parser.error(f"no such check: {', '.join(unknown)}; there are: {', '.join(CHECKS)}")

    lines, good, closing = [], True, ""
    for name in (name for name in CHECKS if name in asked):
        started = time.monotonic()
        passed, closing = run_tests() if name == "tests" else run_tool(name)
        good = good and passed
        took = f"{time.monotonic() - started:.1f} s"
        lines.append(f"{name:<10} {'passed' if passed else 'FAILED':<7} {took:>8}")
        print(lines[-1], flush=True)
    print("\nchecks:", *lines, sep="\n  ")
    if closing:
        print(f"\n{closing}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
