"""Templates of the environment file, read over OData as a client reads them before an export."""

from __future__ import annotations

import pytest

from d365fo_emulator import Emulator
from d365fo_emulator.kernel.errors import ConfigurationError
from job_tools import Client

TEMPLATES = [
    {
        "id": "010 - System Setup",
        "description": "System setup",
        "validated": "2026-04-14T21:43:44Z",
        "entities": [
            {"entity": "customer groups", "unit": 1, "level": 10, "sequence": 10, "module": "GAB"},
            {"entity": "Moon phases", "category": "Master", "tags": "Moon"},
        ],
    },
    {"id": "Draft", "status": "Draft", "entities": [{"entity": "Units"}]},
]
HEADERS, LINES = "/data/DefinitionGroupTemplateHeaders", "/data/DefinitionGroupTemplateLines"


@pytest.fixture(scope="module")
def client():
    with (
        Emulator(environment={"version": 1, "templates": TEMPLATES}) as emulator,
        Client(emulator.client_config(), base=emulator.http_url) as client,
    ):
        yield client


def get(client, path):
    answer = client.session.get(
        client.base + path, headers={"Authorization": f"Bearer {client.token}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.evidence("recorded")
def test_headers_have_the_recorded_members(client):
    row, draft = get(client, HEADERS)["value"]
    assert row.pop("@odata.etag")
    assert row == {
        "TemplateId": "010 - System Setup",
        "Status": "Validated",
        "Description": "System setup",
        "ValidatedDateTime": "2026-04-14T21:43:44Z",
    }
    assert (draft["Status"], draft["ValidatedDateTime"]) == ("Draft", "1900-01-01T00:00:00Z")


@pytest.mark.evidence("client")
def test_lines_are_found_by_their_template(client):
    first, second = get(client, f"{LINES}?$filter=TemplateId eq '010 - System Setup'")["value"]
    assert (first["Entity"], first["EntityCategory"]) == ("Customer groups", "Reference")
    assert (first["LevelInExecutionUnit"], first["SysModule"]) == (10, "GAB")
    assert (second["Entity"], second["EntityCategory"], second["Tags"]) == (
        "Moon phases",
        "Master",
        "Moon",
    )
    key = "(TemplateId='010 - system setup',Entity='Customer groups')"
    assert get(client, LINES + key)["Sequence"] == 10


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "draft"}, "comes twice"),
        ({"validated": "yesterday"}, "yesterday"),
        ({"status": "Fine"}, "Fine"),
        ({"entities": []}, "entities"),
        ({"lines": []}, "'lines' is no key here"),
    ],
)
def test_templates_that_cannot_be_are_refused(change, said):
    templates = [TEMPLATES[0] | change, TEMPLATES[1]]
    with pytest.raises(ConfigurationError, match=said):
        Emulator(environment={"version": 1, "templates": templates})
