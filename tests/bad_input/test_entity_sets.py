"""Requests to entity sets that cannot be understood: refused, with nothing changed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from bad_input.support import assert_no_route, send_raw

pytestmark = pytest.mark.evidence("inferred")

GROUPS = "/data/DataManagementDefinitionGroups"
DETAILS = "/data/DataManagementDefinitionGroupDetails"
JOBS = "/data/DataManagementExecutionJobs"
KEPT = "Export customer groups"
QUERY = "Microsoft.OData.ODataException"
PAYLOAD = "System.Reflection.TargetInvocationException"


def refusal(answer, kind=None):
    """The message of an envelope of status 400."""
    assert answer.status == 400, answer.text
    inner = answer.json["error"]["innererror"]
    assert answer.json["error"]["message"] == "An error has occurred."
    if kind:
        assert inner["type"] == kind
    assert answer.reason
    return inner["message"]


def post(place, path, members):
    body = members if isinstance(members, bytes) else json.dumps(members).encode()
    return place.finance("POST", path, body)


# Queries


@pytest.mark.parametrize(
    "query",
    [
        "$filter=",
        "$filter=Name",
        "$filter=Name%20eq",
        "$filter=Name%20eq%20'x",
        "$filter=Name%20eq%20'it's'",
        "$filter=Name%20eq%205",
        "$filter=Nme%20eq%20'x'",
        "$filter=Nav/Name%20eq%20'x'",
        "$filter=nosuch(Name)",
        "$filter=Name%20in%20('x')",
        "$filter=OperationType%20eq%20'Export'",
        "$filter=OperationType%20has%20Microsoft.Dynamics.DataEntities.DMFOperationType'Export'",
        "$filter=OperationType%20eq%20Microsoft.Dynamics.DataEntities.DMFOperationType'Both'",
        "$filter=%00",
        "$filter=%FF%FE",
        "$filter=Name%20eq%20'x'%20;drop%20table%20project",
        "$filter=true&$filter=true",
        "$orderby=",
        "$orderby=Name%20up",
        "$orderby=Nme",
        "$orderby=1",
        "$select=Nme",
        "$select=Name,*(x)",
        "$top=-1",
        "$top=x",
        "$top=1.5",
        "$top=",
        "$top=%D9%A1",
        "$top=99999999999999999999",
        "$skip=2147483648",
        "$count=yes",
        "$nosuch=1",
        "$Filter=true",
        "$filter=" + "(" * 2000 + "true" + ")" * 2000,
        "$filter=" + "not%20" * 500 + "true",
    ],
)
def test_a_query_that_cannot_be_is_refused(place, query):
    with place.changing():
        assert refusal(place.finance("GET", f"{GROUPS}?{query}"), QUERY)


@pytest.mark.parametrize("query", ["$expand=Details", "$search=x", "$apply=x", "$skiptoken=1"])
def test_options_that_are_not_built_are_refused_by_name(place, query):
    answer = place.finance("GET", f"{GROUPS}?{query}")
    assert answer.status == 501
    assert query.partition("=")[0] in answer.text


@pytest.mark.parametrize(
    "query", ["&&", "=", "x", "%24top=1", "$select=%20Name%20,Name", "$select=*"]
)
def test_odd_but_harmless_queries_are_answered(place, query):
    assert place.finance("GET", f"{GROUPS}?{query}").status == 200


def test_a_query_of_a_megabyte_is_refused_and_the_next_is_answered(place):
    text = "Name%20eq%20'" + "x" * 1_000_000 + "'"
    head = f"GET {GROUPS}?$filter={text} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Authorization: Bearer {place.token}\r\n\r\n"
    assert send_raw(place.base, head.encode()).status in {400, 414, 431}
    assert place.finance("GET", GROUPS).status == 200


def test_long_lists_of_alternatives_are_answered(place):
    names = " or ".join(f"Name eq '{number}'" for number in range(300))
    answer = place.finance("GET", f"{GROUPS}?$filter={quote(names)}")
    assert (answer.status, answer.json["value"]) == (200, [])


# Keys


@pytest.mark.parametrize(
    "key",
    [
        "()",
        "(",
        ")",
        "('x'",
        "('x')('y')",
        "('it's')",
        "(Name=)",
        "(Nme='x')",
        "(Name='x',Name='x')",
        "(Name='x',Nme='y')",
        "(Name=1)",
        "(1)",
        "(null)",
        "(true)",
        "(Name='x',OperationType='Export')",
        "(Name='x',OperationType=Other.Type'Export')",
        "(OperationType=Microsoft.Dynamics.DataEntities.DMFOperationType'Export')",
        "('x'%00)",
        "('x','y')",
        "%28x%29",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_no_key_has_no_route(place, key, method):
    with place.changing():
        answer = place.finance(method, GROUPS + key)
        assert answer.status == 404
        assert answer.json["Message"].startswith("No HTTP resource was found that matches")


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "a//b/",
        "it's",
        "it''s",
        "100%",
        "a+b",
        "a b",
        "(x)",
        "a,b='c'",
        "x')",
        "é\u4e2d",
        "?#&",
        ".",
    ],
)
def test_a_name_of_any_characters_is_made_found_and_removed(place, name):
    key = quote("'" + name.replace("'", "''") + "'", safe="")
    assert post(place, GROUPS, {"Name": name}).status == 201
    assert place.finance("GET", f"{GROUPS}({key})").json["Name"] == name
    condition = quote("Name eq '" + name.replace("'", "''") + "'", safe="")
    (row,) = place.finance("GET", f"{GROUPS}?$filter={condition}").json["value"]
    assert row["Name"] == name
    full = place.finance(
        "GET", f"{GROUPS}?$filter={condition}", Accept="application/json;odata.metadata=full"
    )
    address = full.json["value"][0]["@odata.id"].removeprefix(place.base)
    assert place.finance("GET", address).json["Name"] == name
    with place.changing("projects"):
        assert place.finance("DELETE", f"{GROUPS}({key})").status == 204
    assert place.finance("GET", f"{GROUPS}({key})").status == 404


def test_a_star_in_a_key_is_a_star(place):
    assert place.finance("GET", f"{GROUPS}('*')").status == 404
    with place.changing():
        assert place.finance("DELETE", f"{GROUPS}('Export*')").status == 400


def test_octets_that_are_no_text_are_no_name(place):
    assert place.finance("GET", f"{GROUPS}('%FF%FE')").status == 404


def test_a_key_of_a_hundred_kilobytes_harms_nothing(place):
    answer = place.finance("GET", f"{GROUPS}('{'x' * 30_000}')")
    assert answer.status in {404, 414, 431}


@pytest.mark.parametrize("tail", ["/Name", "/$value", "/Name/$value"])
def test_parts_of_a_row_are_refused_by_name(place, tail):
    answer = place.finance("GET", f"{GROUPS}('{quote(KEPT)}'){tail}")
    assert answer.status == 501


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", GROUPS),
        ("PATCH", GROUPS),
        ("PUT", GROUPS),
        ("OPTIONS", GROUPS),
        ("POST", f"{GROUPS}('x')"),
        ("GET", f"{GROUPS}/Details"),
        ("POST", f"{GROUPS}/$count"),
        ("GET", f"{GROUPS.lower()}"),
        ("GET", f"{GROUPS}/Microsoft.Dynamics.DataEntities.NoSuch"),
    ],
)
def test_what_no_set_has_has_no_route(place, method, path):
    with place.changing():
        answer = place.finance(method, path, b"{}" if method != "GET" else None)
        assert_no_route(answer, place.base + path)


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"{",
        b"<Name>x</Name>",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"Name":' * 50_000,
    ],
)
def test_a_body_that_is_no_object_is_refused(place, body):
    with place.changing():
        assert "invocation" in refusal(post(place, GROUPS, body), PAYLOAD)


@pytest.mark.parametrize(
    "change",
    [
        {"Colour": "red"},
        {"name": "x"},
        {"Name": 5},
        {"Name": ["x"]},
        {"Name": {"x": 1}},
        {"Name": "\ud800"},
        {"OperationType": "Both"},
        {"OperationType": "export"},
        {"OperationType": 1},
        {"TruncateEntityData": True},
        {"TruncateEntityData": "true"},
        {"ProjectCategory": ""},
        {"Description": 1.5},
    ],
)
def test_members_of_a_project_that_cannot_be_are_refused(place, change):
    with place.changing():
        refusal(post(place, GROUPS, {"Name": "New"} | change), PAYLOAD)


@pytest.mark.parametrize(
    "change",
    [
        {"ExecutionUnit": "1"},
        {"ExecutionUnit": 1.0},
        {"ExecutionUnit": True},
        {"ExecutionUnit": 2**31},
        {"QueryData": "not base64!"},
        {"QueryData": 5},
        {"DefaultRefreshType": "SometimesPush"},
        {"ValidationStatus": "Maybe"},
    ],
)
def test_members_of_an_entity_that_cannot_be_are_refused(place, change):
    detail = {"DefinitionGroupId": KEPT, "EntityName": "Currencies", "SourceFormat": "CSV"}
    with place.changing():
        refusal(post(place, DETAILS, detail | change), PAYLOAD)
        key = f"(DefinitionGroupId='{quote(KEPT)}',EntityName='Customer%20groups')"
        answer = place.finance("PATCH", DETAILS + key, json.dumps(change).encode())
        refusal(answer, PAYLOAD)


@pytest.mark.parametrize("members", [{}, {"Name": ""}, {"Name": "   "}, {"Name": None}])
def test_a_project_without_a_name_is_refused(place, members):
    with place.changing():
        assert "must be filled in" in refusal(post(place, GROUPS, members))


def test_annotations_and_null_are_left_aside(place):
    members = {
        "@odata.type": "#X",
        "Name@odata.type": "#String",
        "Name": "New",
        "Description": None,
    }
    assert post(place, GROUPS, members).json["Description"] == ""


def test_quotes_of_the_other_kind_are_read_as_in_actions(place):
    assert post(place, GROUPS, b"{'Name':'New'}").status == 201


def test_a_long_name_is_cut_as_tables_cut_it(place):
    assert post(place, GROUPS, {"Name": "n" * 61}).json["Name"] == "n" * 60
    assert "already exists" in refusal(post(place, GROUPS, {"Name": "n" * 70}))


def test_a_body_of_ten_megabytes_is_answered(place):
    answer = post(place, GROUPS, {"Name": "New", "Description": "x" * 10_000_000})
    assert (answer.status, len(answer.json["Description"])) == (201, 60)


def test_a_project_without_entities_exports_nothing_and_breaks_nothing(place):
    post(place, GROUPS, {"Name": "Empty", "OperationType": "Export"})
    answer = place.act(
        "ExportToPackage",
        definitionGroupId="Empty",
        packageName="x",
        executionId="empty-1",
        reExecute=False,
        legalEntityId="USMF",
    )
    if answer.status == 200:
        place.finish("empty-1")
    assert place.finance("GET", JOBS).status == 200


def test_creating_changing_and_removing_at_once_never_fails(place):
    def work(number):
        key = f"{GROUPS}('Busy')"
        match number % 4:
            case 0:
                return post(place, GROUPS, {"Name": "Busy"}).status
            case 1:
                return place.finance("PATCH", key, b'{"Description":"x"}').status
            case 2:
                detail = {"DefinitionGroupId": "Busy", "EntityName": "Units", "SourceFormat": "CSV"}
                return post(place, DETAILS, detail).status
        return place.finance("DELETE", key).status

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(work, range(120)))
    assert statuses <= {201, 204, 400}


def test_no_token_is_refused_before_anything_else(place):
    for method, path in (("GET", GROUPS), ("DELETE", f"{GROUPS}('{quote(KEPT)}')")):
        answer = place.finance(method, path, Authorization=None)
        assert answer.status == 401
