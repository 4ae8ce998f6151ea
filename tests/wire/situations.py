"""What an exchange presupposes: the vocabulary of `given:` in fixtures/exchanges.

Each word is a function here; it brings the situation about through the public interface and
returns the values that it makes known to the exchange (`<package-url>`, `<execution-id>`).
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import builders
import d365fo_emulator
from wire import raw

ACTIONS = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
POLLS = 50
TERMINAL = {"Succeeded", "PartiallySucceeded", "Failed", "Canceled"}

ENVIRONMENT = {
    "version": 1,
    "dataProjects": [
        {
            "name": "Export customer groups",
            "operation": "Export",
            "entities": [{"entity": "Customer groups", "format": "CSV"}],
        }
    ],
    "data": [
        {
            "entity": "Customer groups",
            "company": "USMF",
            "rows": [{"CUSTOMERGROUPID": "80", "DESCRIPTION": "Other customers"}],
        }
    ],
}
"""The environment that all exchanges run in."""

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "packages"

PACKAGES = {
    "customer groups": builders.package(),
    "without header": builders.package(without=("PackageHeader.xml",)),
    "without manifest": builders.package(without=("Manifest.xml",)),
    "in a folder": builders.package(folder="package/"),
    "unknown entity": builders.package(
        builders.Table("Moon phases", ("PHASE",), (("waning",),), "MoonPhaseEntity")
    ),
    "lf only": (FIXTURES / "broken-lf-only.zip").read_bytes(),
    "no package": b"CUSTOMERGROUPID,DESCRIPTION\r\n10,Wholesale\r\n",
    "plain workbook": (FIXTURES / "broken-plain-xlsx.xlsx").read_bytes(),
}


@dataclass
class Stage:
    """The emulator of one exchange, the address it is spoken to by, and what is known so far.

    `lasting` is entered for as long as the exchange lasts.
    """

    emulator: d365fo_emulator.Emulator
    base: str
    values: dict[str, str]
    lasting: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def act(self, action, **members):
        """Calls an action as the well-known client; its answer must be good."""
        answer = self.send_action(action, members)
        assert answer.status == 200, answer.body
        return answer.json["value"]

    def send_action(self, action, members):
        headers = {
            "Authorization": f"Bearer {raw.token(self.emulator, self.base)}",
            "Content-Type": "application/json",
        }
        body = json.dumps(members).encode()
        return raw.send(self.emulator, self.base, "POST", ACTIONS + action, headers, body)


def package(stage, which):
    """A package lies at `<package-url>`."""
    return {"package-url": upload(stage, PACKAGES[which])}


def place(stage, name):
    """`<package-url>` may be written to; nothing lies there yet."""
    return {"package-url": write_url(stage, name)}


def write_url(stage, name):
    return json.loads(stage.act("GetAzureWriteUrl", uniqueFileName=name))["BlobUrl"]


def upload(stage, content, name="package.zip"):
    """Stores a blob through GetAzureWriteUrl; returns its URL."""
    url = write_url(stage, name)
    base, path = url.split("/", 3)[:3], "/" + url.split("/", 3)[3]
    headers = {"x-ms-blob-type": "BlockBlob"}
    answer = raw.send(stage.emulator, "/".join(base), "PUT", path, headers, content)
    assert answer.status == 201, answer.body
    return url


def project(stage, name):
    """An import project of this name exists: made by an import that has ended."""
    url = upload(stage, PACKAGES["customer groups"], "project.zip")
    finish(stage, run_import(stage, url, project=name))
    return {}


def execution(stage, described):
    """An import `<execution-id>` is in a state, or has ended with row errors, as described."""
    rule = stage.emulator.on(action="ImportFromPackage", definition_group="Situation")
    if "state" in described:
        rule.timeline(held(described["state"]))
    for error in described.get("rowErrors", ()):
        rule.row_error(**error)
    url = upload(stage, PACKAGES["customer groups"], "situation.zip")
    identifier = run_import(stage, url, project="Situation", identifier=described.get("id", ""))
    if "rowErrors" in described or ends(described):
        finish(stage, identifier)
    return {"execution-id": identifier}


def keys(stage, entity):
    """The keys file of an entity of `<execution-id>` was asked for."""
    members = {"executionId": stage.values["execution-id"], "entityName": entity}
    assert stage.act("GenerateImportTargetErrorKeysFile", **members) is True
    return {}


def import_call(stage, project):
    """Another client's ImportFromPackage for this data project has not got its answer yet."""
    stage.lasting.enter_context(stage.emulator.parts.dmf.import_calls.turn(project, AssertionError))
    return {}


def export(stage, described):
    """An export `<execution-id>` of the environment's project: ended, or held in a state."""
    if "state" in described:
        rule = stage.emulator.on(action="ExportToPackage")
        rule.timeline(held(described["state"]))
    identifier = stage.act(
        "ExportToPackage",
        definitionGroupId="Export customer groups",
        packageName="customer groups",
        executionId="",
        reExecute=False,
        legalEntityId="USMF",
    )
    if ends(described):
        finish(stage, identifier)
    return {"execution-id": identifier}


GIVEN = {
    "place": place,
    "package": package,
    "project": project,
    "execution": execution,
    "keys": keys,
    "import call": import_call,
    "export": export,
}
"""The words that `given:` may use."""


def held(state):
    """A step that stays in a state; the last state of an execution needs no holding."""
    step = getattr(d365fo_emulator, state)
    return step() if state in TERMINAL else step(manual=True)


def ends(described):
    return described.get("ended") or described.get("state") in TERMINAL


def run_import(stage, url, *, project, identifier=""):
    return stage.act(
        "ImportFromPackage",
        packageUrl=url,
        definitionGroupId=project,
        executionId=identifier,
        execute=True,
        overwrite=True,
        legalEntityId="USMF",
    )


def finish(stage, identifier):
    """Polls, as a client does, until an execution has ended; returns the state."""
    for _ in range(POLLS):
        state = stage.act("GetExecutionSummaryStatus", executionId=identifier)
        if state in TERMINAL:
            return state
    raise AssertionError(f"{identifier} has not ended after {POLLS} polls")
