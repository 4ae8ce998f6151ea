"""Measures the emulator beside a reference, in interleaved rounds of the same run.

    python benchmarks/run.py                                  all cases
    python benchmarks/run.py start blob --azurite node_modules/.bin/azurite-blob

Prints medians and the ratio emulator : reference, and writes all values to a JSON file. Cases:
start, blob, rates, rows, fixture (see cases.py); formats, updates, entities, polls (see jobs.py).
Memory is the proportional set size of the process
tree, so the cases that measure it need Linux. Azurite comes from npm (`npm install azurite`);
without it, its columns stay empty. Figures of two machines, or of two runs on a busy one, cannot
be compared; ratios of one run can.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
from pathlib import Path

from cases import CASES
from measuring import table


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of: {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each rate")
    parser.add_argument("--rows", type=int, default=100_000, help="of the import")
    parser.add_argument(
        "--counts", type=int, nargs="+", default=[100_000], help="rows of the cases in jobs.py"
    )
    parser.add_argument("--sheet-rows", type=int, default=100_000, help="most rows of a workbook")
    parser.add_argument("--azurite", help="the azurite-blob program")
    parser.add_argument("--output", type=Path, default=Path("benchmark.json"))
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.cases) - set(CASES)):
        parser.error(f"no such case: {', '.join(unknown)}; there are: {', '.join(CASES)}")
    if options.azurite and not shutil.which(options.azurite):
        parser.error(f"{options.azurite} is no program")
    if options.azurite:
        options.azurite = str(Path(shutil.which(options.azurite)).absolute())
    return options


def main():
    options = parse()
    figures = []
    for name in options.cases or CASES:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += CASES[name](options)
    if not options.azurite:
        print("azurite-blob was not named: its columns are empty", file=sys.stderr)
    print(table(figures))
    machine = {"python": platform.python_version(), "machine": platform.platform()}
    document = {**machine, "rounds": options.rounds, "figures": [f.document() for f in figures]}
    options.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
