"""Runs an emulator on a data directory and a real clock, says where, and waits to be killed."""

from __future__ import annotations

import json
import sys
import threading

from d365fo_emulator import Emulator

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

with Emulator(data_dir=sys.argv[1], clock="real", scenario=SCENARIO) as emulator:
    where = emulator.client_config() | {"http": emulator.http_url}
    sys.stdout.write(json.dumps(where) + "\n")
    sys.stdout.flush()
    threading.Event().wait()
