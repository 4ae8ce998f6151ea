"""Calls of actions that cannot be understood: refused, with nothing changed."""

from __future__ import annotations

import json
import os

import pytest

from bad_input.support import (
    ACTIONS,
    MODEL_STATE,
    assert_action_refusal,
    assert_finance_refusal,
    assert_no_route,
    blob,
    peak_memory,
    send,
)

pytestmark = pytest.mark.evidence("inferred")

STRING, BOOLEAN = "text", "true or false"
IMPORT = {
    "packageUrl": STRING,
    "definitionGroupId": STRING,
    "executionId": STRING,
    "execute": BOOLEAN,
    "overwrite": BOOLEAN,
    "legalEntityId": STRING,
}
EXPORT = {
    "definitionGroupId": STRING,
    "packageName": STRING,
    "executionId": STRING,
    "reExecute": BOOLEAN,
    "legalEntityId": STRING,
}
PARAMETERS = {
    "GetAzureWriteUrl": {"uniqueFileName": STRING},
    "ImportFromPackage": IMPORT,
    "ExportToPackage": EXPORT,
    "GetExecutionSummaryStatus": {"executionId": STRING},
    "GetExportedPackageUrl": {"executionId": STRING},
    "GetExecutionErrors": {"executionId": STRING},
}
GOOD = {STRING: "x", BOOLEAN: True}
WRONG = {
    STRING: (None, 1, 1.5, True, False, [], ["x"], {}, {"value": "x"}),
    BOOLEAN: (None, 0, 1, 1.0, "", "true", "True", [], {}),
}


def good_members(action):
    return {name: GOOD[kind] for name, kind in PARAMETERS[action].items()}


@pytest.mark.parametrize(
    ("action", "name"),
    [
        pytest.param(action, name, id=f"{name} of {action}")
        for action, parameters in PARAMETERS.items()
        for name in parameters
    ],
)
def test_a_value_of_another_type(place, action, name):
    """Null and wrong types alike; the recorded text is that of a body that does not fit."""
    with place.changing():
        for value in WRONG[PARAMETERS[action][name]]:
            answer = place.act(action, **(good_members(action) | {name: value}))
            assert_finance_refusal(answer, MODEL_STATE)
            assert name in answer.reason


@pytest.mark.parametrize("action", PARAMETERS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"nonsense", id="a word"),
        pytest.param(b"{", id="an object without end"),
        pytest.param(b'{"executionId":"x"', id="an object that is cut off"),
        pytest.param(b'{"executionId":"x"}}', id="one brace too many"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"17", id="a number"),
        pytest.param(b"executionId=x", id="a form"),
        pytest.param(b"<executionId>x</executionId>", id="XML"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
        pytest.param(b'{"executionId":"\xff"}', id="octets that are no UTF-8"),
        pytest.param(b"[" * 50_000, id="lists nested without end"),
        pytest.param(b'{"a":' * 12_000, id="objects nested without end"),
        pytest.param(b"{'a':" * 12_000, id="lenient objects nested without end"),
        pytest.param(b"\x00" * 100, id="NUL octets"),
    ],
)
def test_a_body_that_is_no_object(place, action, body):
    with place.changing():
        assert_finance_refusal(place.finance("POST", ACTIONS + action, body), MODEL_STATE)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1" * 5000, id="a number of 5000 digits"),
        pytest.param("1e999", id="a number beyond all"),
        pytest.param("NaN", id="not a number"),
        pytest.param("-0", id="minus zero"),
    ],
)
def test_instead_of_a_text(place, text):
    body = b'{"executionId":' + text.encode() + b"}"
    with place.changing():
        answer = place.finance("POST", ACTIONS + "GetExecutionErrors", body)
        assert_finance_refusal(answer, MODEL_STATE)


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(ACTIONS + "GetAzureWritableUrl", id="an action that there is not"),
        pytest.param(ACTIONS + "getazurewriteurl", id="an action in small letters"),
        pytest.param(ACTIONS, id="no action"),
        pytest.param("/data/MoonPhases", id="a set that there is not"),
        pytest.param("/data/MoonPhases('x')", id="a row of a set that there is not"),
        pytest.param(
            "/data/MoonPhases/Microsoft.Dynamics.DataEntities.GetAzureWriteUrl",
            id="an action of another set",
        ),
        pytest.param(
            "/data/datamanagementdefinitiongroups/Microsoft.Dynamics.DataEntities.GetAzureWriteUrl",
            id="the set in small letters",
        ),
        pytest.param("/", id="the root"),
        pytest.param("/nothing/here", id="a path of no surface"),
        pytest.param("/data/a?b=%3Cscript%3E", id="a script in the query"),
    ],
)
def test_nothing_answers_to(place, path):
    with place.changing():
        assert_no_route(place.finance("POST", path, b"{}"), place.base + path)


def test_a_path_beyond_ascii_is_told_as_it_reads(place):
    with place.changing():
        answer = place.finance("GET", "/data/M%C3%B6bel('%E6%9D%B1')/%FF")
        assert_no_route(answer, f"{place.base}/data/M\u00f6bel('\u6771')/\ufffd")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("action", PARAMETERS)
def test_an_action_answers_to_post_alone(place, action, method):
    with place.changing():
        answer = place.finance(method, ACTIONS + action, b"{}")
        assert_no_route(answer, place.base + ACTIONS + action)


MIB = 1024 * 1024


@pytest.mark.parametrize("action", ["GetAzureWriteUrl", "ImportFromPackage"])
def test_a_body_of_100_mb_is_refused_before_it_is_read(place, action):
    pieces = (b'{"uniqueFileName":"' if n == 0 else b"x" * MIB for n in range(101))
    with place.changing(), peak_memory() as at_most:
        answer = send(
            place.base,
            "POST",
            ACTIONS + action,
            {
                "Authorization": f"Bearer {place.token}",
                "Content-Type": "application/json",
                "Content-Length": str(19 + 100 * MIB),
            },
            pieces,
        )
        assert_finance_refusal(
            answer,
            f"the request body has {19 + 100 * MIB} bytes, {64 * MIB} are allowed",
            status=413,
        )
        at_most(16 * MIB)


def test_a_chunked_body_without_end_is_refused_at_the_bound(place):
    def chunks():
        yield b"14\r\n" + b" " * 20 + b"\r\n"
        for _ in range(65):
            yield b"100000\r\n" + b" " * MIB + b"\r\n"

    with place.changing():
        answer = send(
            place.base,
            "POST",
            ACTIONS + "GetAzureWriteUrl",
            {
                "Authorization": f"Bearer {place.token}",
                "Transfer-Encoding": "chunked",
            },
            chunks(),
        )
        assert answer.status == 413
        assert answer.json["error"]["innererror"]["type"] == "System.InvalidOperationException"


# Names


NAMES = [
    pytest.param("../x", id="a way up"),
    pytest.param("../../../../etc/passwd", id="a long way up"),
    pytest.param("..", id="two dots"),
    pytest.param(".", id="one dot"),
    pytest.param("a/b", id="a folder"),
    pytest.param("/a", id="a slash in front"),
    pytest.param("a//b/", id="slashes everywhere"),
    pytest.param("C:\\x.zip", id="a drive"),
    pytest.param("a\\b", id="a backslash"),
    pytest.param("x" * 1024, id="1024 characters"),
    pytest.param("  x  ", id="blanks around"),
    pytest.param(" ", id="a blank"),
    pytest.param("%2F", id="an escape"),
    pytest.param("%252F", id="an escaped escape"),
    pytest.param("%", id="a percent sign"),
    pytest.param("a?sig=x&sp=rw#z", id="the marks of a URL"),
    pytest.param("a+b", id="a plus sign"),
    pytest.param("K\u00f6ln \u6771\u4eac \U0001f4e6.zip", id="letters beyond ASCII"),
    pytest.param("a\tb\r\nHost: evil\x7f", id="control characters"),
    pytest.param("<b>&amp;\"'", id="markup"),
    pytest.param("x'; DROP TABLE blob; --", id="a statement"),
    pytest.param("con", id="a device's name"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_blob_called_by(place, name):
    """The name is the blob's and nothing else: it comes back, and names no file."""
    url = place.write_url(name)
    assert url.isascii()
    assert url.startswith(f"{place.base}/devstoreaccount1/dmf/")
    with place.changing("blobs", "content"):
        assert place.put(url, b"whole").status == 201
    assert blob("GET", url).body == b"whole"
    folder = place.view.parts.workspace.folder
    kept = [path.name for path in (folder / "content").iterdir()]
    assert all(set(each) <= set("0123456789abcdef") for each in kept), kept


def test_half_a_character_is_no_text(place):
    """JSON can spell what no encoding can: neither as a value nor as a name."""
    with place.changing():
        for action, parameters in PARAMETERS.items():
            for name in (name for name, kind in parameters.items() if kind == STRING):
                answer = place.act(action, **(good_members(action) | {name: "a\ud800b"}))
                assert_finance_refusal(answer, MODEL_STATE)
    assert place.act("GetAzureWriteUrl", **{"uniqueFileName": "x", "\udfff": 1}).status == 200


@pytest.mark.parametrize("body", [{"uniqueFileName": ""}, {}], ids=["empty", "missing"])
def test_no_blob_without_a_name(place, body):
    with place.changing():
        assert_finance_refusal(place.act("GetAzureWriteUrl", **body), MODEL_STATE)


IDS = [
    pytest.param("it's", id="an apostrophe"),
    pytest.param('say "so"', id="quotes"),
    pytest.param("ExportPackage-11/15/2018 02:57:10 pm", id="slashes and colons"),
    pytest.param("../../x", id="a way up"),
    pytest.param("x" * 10_000, id="10 kB"),
    pytest.param("\u00e4\u00df \u6771 \U0001f4e6", id="letters beyond ASCII"),
    pytest.param("a\0b", id="a NUL"),
    pytest.param("a\r\nSet-Cookie: b\x1b[31m", id="line breaks"),
    pytest.param("x' OR '1'='1", id="a condition"),
    pytest.param("x'; SELECT * FROM blob; --", id="a statement"),
    pytest.param("{id} {0} %s ${x}", id="placeholders"),
]


@pytest.mark.parametrize("name", IDS)
def test_an_unknown_execution_called_by(place, name):
    with place.changing():
        for action in ("GetExecutionSummaryStatus", "GetExportedPackageUrl"):
            answer = place.act(action, executionId=name)
            assert_action_refusal(
                answer, action, f"Execution details were not found for execution id: {name}"
            )
        assert place.value("GetExecutionErrors", executionId=name) == "[]"


@pytest.mark.parametrize("name", IDS)
def test_an_unknown_project_called_by(place, name):
    with place.changing():
        answer = place.act(
            "ExportToPackage",
            definitionGroupId=name,
            packageName=name,
            executionId=name,
            reExecute=False,
            legalEntityId="USMF",
        )
        assert_action_refusal(
            answer,
            "ExportToPackage",
            f"Export to package failed for definition group: {name}, package name: {name},"
            f" execution id: {name}, reExecute: true, legal entity: true",
        )


@pytest.mark.parametrize("name", IDS)
def test_an_import_and_an_export_called_by(place, name):
    """Free texts stay texts: they come back as they were, and make no file or statement."""
    import builders

    for _ in range(2):  # the second refused, for the id is used
        answer = place.import_package(builders.package(), definitionGroupId=name, executionId=name)
    assert_action_refusal(answer, "ImportFromPackage", f"Execution id {name} already exists.")
    assert place.finish(name) == "Succeeded"
    assert place.view.executions.only().id == name
    assert place.view.executions.only().group == name
    assert len(place.view.rows("Customer groups", company="USMF")) == 5
    export = place.value(
        "ExportToPackage",
        definitionGroupId="Export customer groups",
        packageName=name,
        executionId=f"export {name}",
        reExecute=False,
        legalEntityId="USMF",
    )
    assert export == f"export {name}"
    assert place.finish(export) == "Succeeded"
    url = place.value("GetExportedPackageUrl", executionId=export)
    assert blob("GET", url).body.startswith(b"PK")
    folder = place.view.parts.workspace.folder
    for path, _folders, files in os.walk(folder):
        assert not [file for file in files if not file.isascii() or " " in file], path


@pytest.mark.parametrize(
    "company",
    [
        pytest.param("XXXX", id="a company that there is not"),
        pytest.param("USMF ", id="a company and a blank"),
        pytest.param("USMF,DEMF", id="two companies"),
        pytest.param("us%", id="a pattern"),
        pytest.param("x' OR '1'='1", id="a condition"),
        pytest.param("\u00e4" * 1000, id="a thousand letters"),
    ],
)
def test_for(place, company):
    import builders

    url = place.upload(builders.package())
    with place.changing():
        text = f"The company {company} does not exist."
        imported = place.import_from(url, legalEntityId=company)
        assert_action_refusal(imported, "ImportFromPackage", text)
        exported = place.act(
            "ExportToPackage",
            definitionGroupId="Export customer groups",
            packageName="x",
            executionId="",
            reExecute=False,
            legalEntityId=company,
        )
        assert_action_refusal(exported, "ExportToPackage", text)


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize("company", ["usmf", "UsMf", "USMF"])
def test_the_letter_case_of_a_company_does_not_count(place, company):
    import builders

    answer = place.import_package(builders.package(), legalEntityId=company)
    assert answer.status == 200
    assert place.view.executions.only().company == "USMF"


def test_an_unknown_member_is_ignored(place):
    body = json.dumps({"uniqueFileName": "x", "containerName": ["y"], "__proto__": {}}).encode()
    assert place.finance("POST", ACTIONS + "GetAzureWriteUrl", body).status == 200


class TestStrictly:
    @pytest.fixture
    def settings(self):
        return {"strictMembers": True}

    @pytest.mark.parametrize("name", ["containerName", "UniqueFileName"])
    def test_a_member_of_another_name_is_refused(self, place, name):
        with place.changing():
            answer = place.act("GetAzureWriteUrl", **{"uniqueFileName": "x", name: "y"})
            assert_finance_refusal(answer, MODEL_STATE)
