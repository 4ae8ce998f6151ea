"""Runs an emulator on a data directory and a real clock, says where, and waits to be killed."""

from __future__ import annotations

import functools
import json
import sys
import threading

from d365fo_emulator import Emulator
from d365fo_emulator.dmf.actions import imports
from d365fo_emulator.dmf.model import RunOptions

SCENARIO = {
    "version": 1,
    "name": "every 97th row is refused",
    "clock": "real",
    "rules": [
        {
            "id": "import",
            "match": {"action": "ImportFromPackage"},
            "execution": {
                "rowErrors": [{"row": "every 97", "stage": "target", "message": "refused"}],
            },
        }
    ],
}

# Rows that every import deletes first: no parameter of the service's calls asks for that.
GROUPS = {"entity": "Customer groups", "company": "USMF", "rows": [{"CUSTOMERGROUPID": "OLD"}]}
ENVIRONMENT = {"version": 1, "data": [GROUPS]}
imports.RunOptions = functools.partial(RunOptions, truncate=True)

with Emulator(
    data_dir=sys.argv[1], clock="real", scenario=SCENARIO, environment=ENVIRONMENT
) as emulator:
    where = emulator.client_config() | {"http": emulator.http_url}
    sys.stdout.write(json.dumps(where) + "\n")
    sys.stdout.flush()
    threading.Event().wait()
