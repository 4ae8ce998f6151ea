"""Recorded pairs of the real service, replayed: what each presupposes, and what may be left out.

The recordings are not part of the project. One JSON object a line: `id, action, request {method,
path, headers, body}, response {status, headers, body}`, with `<placeholder>` for what was removed.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire.set_recordings import SET_REPLAYS

VARIABLE = "D365FO_EMULATOR_RECORDINGS"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "facts" / "recordings.jsonl"

REPLAYED = {
    "GetAzureWriteUrl",
    "ImportFromPackage",
    "GetExecutionSummaryStatus",
    "ExportToPackage",
    "ExportToPackagePreview",
    "ExportToPackagePreviewAsync",
    "ExportToPackageDelta",
    "ResetVersionToken",
    "GetExportedPackageUrl",
    "GetExecutionErrors",
    "ImportFromPackageAsync",
    "ImportFromDMTPackage",
    "GetImportStagingErrorFileUrl",
    "GenerateImportTargetErrorKeysFile",
    "GetImportTargetErrorKeysFileUrl",
    "GetEntityExecutionSummaryStatusList",
    "GetExecutionSummaryPageUrl",
    "GetMessageStatus",
    "GetExecutionIdByMessageId",
    "GetEntitySequence",
    "InitializeDataManagement",
    "InitializeDataManagementAsync",
    "DeleteExecutionHistoryJob",
    "(blob)",
}

SUPERSEDED = "a form that the documentation has replaced, read by no client"
CONNECTOR = "an answer of the cloud connector, not of the service"
UNANSWERED = "no recorded answer"
MESSAGES = "messages come by the recurring integrations API, which is not emulated yet"
LATER = "an action or entity set that is not emulated yet"

LEFT_OUT = {
    "gawu-doc-old": SUPERSEDED,
    "ifp-doc-old": SUPERSEDED,
    "etp-doc": SUPERSEDED,
    "etpp-doc": SUPERSEDED,
    "gepu-doc": SUPERSEDED,
    "gess-doc": SUPERSEDED,
    "gawu-no-route-connector": CONNECTOR,
    "ifp-no-header-file": CONNECTOR,
    "etp-blank-id-connector": CONNECTOR,
    "ifp-slow": UNANSWERED,
    "gms-ris": MESSAGES,
    "geibm-doc": MESSAGES,
}
"""Pairs of these actions that cannot be replayed."""


@dataclass(frozen=True)
class Replay:
    """What one recorded pair presupposes, in the vocabulary of `situations`."""

    given: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    seed: int = 0


def _import(package="customer groups", *before, name="", **settings):
    values = {"name": name} if name else {}
    return Replay((*before, {"package": package}), settings, values=values)


def _state(state, **described):
    return Replay(({"execution": {"state": state, **described}},))


def _errors(*messages, **settings):
    errors = [
        {"entity": "Customer groups", "row": row, "stage": "target", "message": message}
        for row, message in enumerate(messages, 1)
    ]
    return Replay(({"execution": {"rowErrors": errors}},), settings)


def _error_file(stage, *after):
    error = {"entity": "Customer groups", "row": 2, "stage": stage, "message": "No"}
    given = ({"execution": {"rowErrors": [error]}}, *after)
    return Replay(given, values={"entity": "Customer groups"})


# The catalogue knows this entity by its name alone.
CUSTOMER_PARAMETERS = {
    "entities": [
        {
            "name": "Customer parameters",
            "collection": "CustomerParameters",
            "type": "CustParametersEntity",
            "keys": ["ParametersId"],
            "fields": [
                {"name": "ParametersId", "type": "int"},
                {
                    "name": "CustomerAccount",
                    "type": "string",
                    "reference": {"entity": "CustCustomerV3Entity", "field": "CustomerAccount"},
                },
            ],
        }
    ]
}
_EXPORT = Replay(values={"project": "Export customer groups", "name": "groups"})
COPY_JOB = "Copy legal entity USMF to ABC - 2026-11-24 10:00"
SEED_OF_BOX_API = 2
"""A seed that picks the recorded text among those of parallel imports."""

REPLAYS = {
    "gawu-doc": Replay(),
    "gawu-recorded-url": Replay(),
    "gawu-zip-suffix": Replay(),
    "gawu-no-route": Replay(settings={"platformUpdate": 4}),
    "ifp-doc": _import(),
    "ifp-no-execution-id": _import(),
    "ifp-stage-only": _import(),
    "ifp-exists-no-overwrite": _import("customer groups", {"project": "RIS_ARM_GL"}),
    "ifp-no-header-file-raw": _import("no package"),
    "ifp-onprem-500": _import("plain workbook", actionFailureStatus=500),
    "ifp-folder-in-zip": _import("in a folder"),
    "ifp-unknown-company": _import(),
    "ifp-unknown-entity": _import("unknown entity", name="Moon phases", unknownEntities="refuse"),
    "ifp-mapping": _import("lf only", name="Customer groups"),
    "ifp-parallel": Replay(
        ({"package": "customer groups"}, {"import call": "Recorded"}),
        {"parallelImports": "fail"},
        seed=SEED_OF_BOX_API,
    ),
    "ifpa-nine": _import(),
    "ifpa-overWrite": _import(),
    "ifdmt": _import(),
    "etp-string": _EXPORT,
    "etpp-meta": _EXPORT,
    "etppa": _EXPORT,
    "etpd": _EXPORT,
    "rvt": Replay(
        values={
            "project": "Export customer groups",
            "entity": "Customer groups",
        }
    ),
    "etp-missing-project-raw": Replay(
        values={"project": "Missing", "name": "customer groups", "execution-id": "recorded-1"}
    ),
    "gepu-string": Replay(({"export": {"ended": True}},)),
    "gepu-empty": Replay(({"export": {"state": "Executing"}},)),
    "gess-notrun": _state("NotRun"),
    "gess-executing": _state("Executing"),
    "gess-partiallysucceeded": _state("PartiallySucceeded"),
    "gess-not-found": Replay(),
    "gess-copy-job": _state("PartiallySucceeded", id=COPY_JOB),
    "gee-empty": _state("Failed", id="F7A4B553-91A0-43CC-B108-31299A41D844"),
    "gee-one": _errors(
        "The Color Blue has not been assigned to the product Abominable Hoodie\r\n"
        " Validations failed while writing entity record"
    ),
    "gee-many": _errors("Chart of accounts invalid: 0", "Payment day '15th' not found"),
    "gee-unescaped": _errors('Value "X" is not valid\n second line', errorsJson="raw"),
    "gee-composite": _state("Failed"),
    "gisefu-url": _error_file("source"),
    "gisefu-none": _state("Succeeded", ended=True),
    "gitekf-false": _state("Succeeded", ended=True),
    "gitekfu-url": _error_file("target", {"keys": "Customer groups"}),
    "geesl-strings": _state("Succeeded", ended=True),
    "gespu": _state("Succeeded", ended=True),
    "geibm-pending": Replay(),
    "ges": Replay(environment=CUSTOMER_PARAMETERS),
    "init": Replay(),
    "init-nobody": Replay(),
    "inita": Replay(),
    "dehj": _state("Succeeded", ended=True),
    "blob-put": Replay(({"place": "recorded.zip"},)),
}
"""How each other pair of these actions is replayed."""


def recordings():
    """All pairs by id; None when this machine has none."""
    path = Path(os.environ.get(VARIABLE, BESIDE))
    if not path.exists():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    return {pair["id"]: pair for pair in map(json.loads, lines) if pair}


def left_out(pairs):
    """The pairs that are not replayed, each with its reason."""
    return {
        name: LEFT_OUT.get(name, LATER)
        for name, pair in pairs.items()
        if name not in SET_REPLAYS and (name in LEFT_OUT or pair["action"] not in REPLAYED)
    }


# What the recordings have in place of values, in the order of substitution. The left side is found
# in a recorded answer; the right side is a placeholder that `patterns` knows.
ANSWER_FORMS = (
    (r"https://<(?:base-url-id|account)>\.blob\.core\.windows\.net", "<blob>"),
    (r"https://<(?:base-url|host)>", "<base>"),
    (r'"BlobId":"<guid>"', '"BlobId":"{<guid>}"'),  # documented with braces, one source lacks them
    (r"<guid>", "<any-guid>"),
    (r"<container>/<file>", "dmf/<name>"),
    (r"/\?<menu item of the execution summary>", "/<text>"),  # its form is not known
    (r"<entity>: <status>", "<text>"),  # the item's text was never seen
    (r"\?<sas>", "?<text>"),
    (r"sig=<sas>", "sig=<signature>"),
    (r"\b(st|se)=2020[\dTZ%A-F-]+", r"\1=<utc>"),
    (r"\bsv=[\d-]+", "sv=<date>"),
    (r"<cut in the report>", "<text>"),
)


def expected(body):
    """A recorded answer's body as a pattern for `patterns.differences`."""
    if isinstance(body, dict):
        return {name: expected(value) for name, value in body.items()}
    if isinstance(body, list):
        return [expected(item) for item in body]
    if isinstance(body, str):
        for found, placeholder in ANSWER_FORMS:
            body = re.sub(found, placeholder, body)
    return body


def same_error_list(recorded, actual):
    """Whether two texts of GetExecutionErrors say the same.

    Record ids and white space are set aside: three sources disagree on the first, and the second
    is as the message's author made it.
    """
    return _without_layout(recorded) == _without_layout(actual)


def _without_layout(text):
    text = re.sub(r'"RecordId":"[^"]*"', '"RecordId":""', text)
    text = re.sub(r"(?:\\[rn]|\s)+", " ", text)
    return text.replace('" ', '"').replace(' "', '"')
