"""Programs that call the package API, as a sender of their own bodies and headers."""

from __future__ import annotations

import json
import re
import zipfile
from io import BytesIO

from builders import package
from job_tools import ACTIONS, EXPORT_GROUPS, GROUPS

PACKAGE = package()
ZERO = "00000000-0000-0000-0000-000000000000"
ALIVE = ("NotRun", "Executing")
GOOD = ("Succeeded", "PartiallySucceeded")
BLOCK_BLOB = {"x-ms-blob-type": "BlockBlob"}


class Sender:
    """Sends bodies and headers as they stand; the token is all that it adds."""

    def __init__(self, client):
        self.client = client
        self.session = client.session

    def post(self, action, body, headers=(), prefix="", query=""):
        if not isinstance(body, str | bytes | None):
            body = json.dumps(body, separators=(",", ":"))
        own = {"Authorization": f"Bearer {self.client.token}"}
        if body is not None:
            own["Content-Type"] = "application/json"
        url = self.client.base + prefix + ACTIONS + action + query
        return self.session.post(url, data=body, headers=own | dict(headers))

    def value(self, action, body, headers=(), **where):
        answer = self.post(action, body, headers, **where)
        assert 200 <= answer.status_code < 300, answer.text
        return answer.json()["value"]

    def state(self, execution, headers=()):
        return self.value("GetExecutionSummaryStatus", {"executionId": execution}, headers)

    def while_in(self, waiting, execution, most=99, headers=()):
        """The first state that is not waited for, or the last that was seen."""
        for _ in range(most):
            state = self.state(execution, headers)
            if state not in waiting:
                break
        return state

    def blob_url(self, name, headers=()):
        return json.loads(self.value("GetAzureWriteUrl", {"uniqueFileName": name}, headers))[
            "BlobUrl"
        ]

    def put(self, url, content=PACKAGE, headers=()):
        answer = self.session.put(url, data=content, headers=BLOCK_BLOB | dict(headers))
        assert answer.status_code == 201, answer.text

    def uploaded(self, name, headers=(), put_headers=()):
        url = self.blob_url(name, headers)
        self.put(url, headers=put_headers)
        return url

    def url_until(self, found, action, members, most=99):
        """The text of an action that is asked again until it is not empty."""
        for _ in range(most):
            url = self.value(action, members)
            if found(url):
                return url
        return ""


def six(url, project="Import groups", execution="", **changes):
    """The six members of an import in the order in which the declarations have them."""
    members = {"packageUrl": url, "definitionGroupId": project, "executionId": execution}
    return members | {"execute": True, "overwrite": True, "legalEntityId": "USMF"} | changes


def export_members(execution, name="groups", re_execute=False, project=EXPORT_GROUPS):
    members = {"definitionGroupId": project, "packageName": name, "executionId": execution}
    return members | {"reExecute": re_execute, "legalEntityId": "USMF"}


def refuse_first_row(d365fo, action="Import*"):
    d365fo.on(action=action).row_error(entity=GROUPS, row=1, stage="target", message="refused")


def entity_names(content):
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return re.findall("<EntityName>(.*?)</EntityName>", archive.read("Manifest.xml").decode())
