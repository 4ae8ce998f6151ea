"""The main job by plain requests: what tests of whole workspaces and scenarios drive it with."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import requests

ACTIONS = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
TERMINAL = ("Succeeded", "PartiallySucceeded", "Failed", "Canceled")
NOT_FOUND = "Execution details were not found"
GROUPS = "Customer groups"
EXPORT_GROUPS = "Export customer groups"
MOST_POLLS = 30

# What a workspace needs for both directions; no rows.
ENVIRONMENT = {
    "version": 1,
    "dataProjects": [
        {
            "name": EXPORT_GROUPS,
            "operation": "Export",
            "entities": [{"entity": GROUPS, "format": "CSV"}],
        }
    ],
}


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, response):
        super().__init__(f"{response.status_code} {response.text}")
        self.response = response
        self.status = response.status_code


class Client:
    """Calls actions and blobs of one workspace; `base` may be either address of the server.

    Args:
        config: what `client_config()` gives.
        base: the address to use, by default the configuration's.
        token: a token from elsewhere; by default one is asked for at the first call.

    """

    def __init__(self, config, base=None, token=None):
        self.config = config
        self.base = base or config["base_url"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = config["ca_bundle"] or True
        self._token = token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    @property
    def token(self):
        if self._token is None:
            self._token = self.new_token()
        return self._token

    def renew(self):
        """Asks for another token at the next call: the clock has gone beyond the present one."""
        self._token = None

    def new_token(self, **changes):
        form = {
            "grant_type": "client_credentials",
            "client_id": self.config["client_id"],
            "client_secret": self.config["client_secret"],
            "resource": self.config["resource"],
        }
        url = f"{self.base}/{self.config['tenant_id']}/oauth2/token"
        return _good(self.session.post(url, data=form | changes)).json()["access_token"]

    def answer(self, action, **members):
        """The whole answer, good or bad."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.session.post(self.base + ACTIONS + action, json=members, headers=headers)

    def value(self, action, **members):
        return _good(self.answer(action, **members)).json()["value"]

    # The steps of the job

    def write_url(self, name="package.zip"):
        return json.loads(self.value("GetAzureWriteUrl", uniqueFileName=name))["BlobUrl"]

    def upload(self, content, name="package.zip"):
        url = self.write_url(name)
        self.put(url, content)
        return url

    def put(self, url, content):
        headers = {"x-ms-blob-type": "BlockBlob"}
        return _good(self.session.put(url, data=content, headers=headers))

    def get(self, url):
        return _good(self.session.get(url)).content

    def import_from(self, url, **changes):
        members = {
            "packageUrl": url,
            "definitionGroupId": "Import groups",
            "executionId": "",
            "execute": True,
            "overwrite": True,
            "legalEntityId": "USMF",
        }
        return self.value("ImportFromPackage", **(members | changes))

    def import_package(self, content, **changes):
        return self.import_from(self.upload(content), **changes)

    def export(self, **changes):
        members = {
            "definitionGroupId": EXPORT_GROUPS,
            "packageName": "groups",
            "executionId": "",
            "reExecute": False,
            "legalEntityId": "USMF",
        }
        return self.value("ExportToPackage", **(members | changes))

    def exported(self, execution):
        """The package of an export that has ended."""
        return self.get(self.value("GetExportedPackageUrl", executionId=execution))

    def state(self, execution):
        """What one poll sees; `NotFound` while the execution's record is not written yet."""
        answer = self.answer("GetExecutionSummaryStatus", executionId=execution)
        if answer.status_code == 400 and NOT_FOUND in answer.text:
            return "NotFound"
        return _good(answer).json()["value"]

    def poll(self, execution, most=MOST_POLLS):
        """All states that an unmodified polling loop sees, to the terminal one or `most`."""
        seen = []
        while len(seen) < most:
            seen.append(self.state(execution))
            if seen[-1] in TERMINAL:
                break
        return seen

    def errors(self, execution):
        return json.loads(self.value("GetExecutionErrors", executionId=execution))


def rows_of(package, *columns, file=f"{GROUPS}.csv"):
    """Values of these columns, row by row, of a CSV file in a package."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        text = archive.read(file).decode("utf-8-sig")
    return [tuple(row[column] for column in columns) for row in csv.DictReader(io.StringIO(text))]


def _good(response):
    if response.status_code >= 400:
        raise Refused(response)
    return response
