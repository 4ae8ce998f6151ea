"""One protocol, in this process and over HTTP: every test runs both ways."""

import pytest

from d365fo_emulator.admin.client import HttpAdmin
from d365fo_emulator.admin.errors import AdminProblem, AdminUnreachable
from d365fo_emulator.dmf.errors import ControlRefused
from d365fo_emulator.kernel.errors import WorkspaceNotFound
from d365fo_emulator.scenarios.problems import ScenarioInvalid

pytestmark = pytest.mark.evidence("documented")

RULE = {
    "id": "slow",
    "match": {"action": "ImportFromPackage"},
    "execution": {"timeline": [{"state": "Executing", "stay": {"polls": 2}}, {"state": "Failed"}]},
}


@pytest.fixture(params=["in process", "over http"])
def any_admin(request):
    return request.getfixturevalue("admin" if request.param == "in process" else "http_admin")


def test_it_is_live_and_ready_and_says_what_it_is(any_admin):
    assert any_admin.live() == {"live": True}
    assert any_admin.ready() == {"ready": True, "pending": []}
    assert any_admin.info()["httpsUrl"] == "https://localhost:8443"
    assert any_admin.ca_pem().startswith("-----BEGIN CERTIFICATE")


def test_not_ready_is_an_answer_and_no_failure(any_admin, server):
    server.change(pending=("seeding",))
    assert any_admin.ready() == {"ready": False, "pending": ["seeding"]}


def test_workspaces_are_created_listed_and_dropped(any_admin):
    created = any_admin.create_workspace("job-1")
    assert created["tenant_id"] == "tenant-of-job-1"
    assert created["environment"]["D365FO_TENANT_ID"] == "tenant-of-job-1"
    assert [item["id"] for item in any_admin.workspaces()["workspaces"]] == ["default", "job-1"]
    any_admin.drop_workspace("job-1")
    with pytest.raises((WorkspaceNotFound, AdminProblem)):
        any_admin.workspace("job-1")


def test_the_environment_names_the_client_that_is_mapped(any_admin):
    variables = any_admin.environment_block("default")
    assert variables["D365FO_CLIENT_ID"] == "mapped"
    assert variables["D365FO_BASE_URL"] == "https://localhost:8443"
    assert variables["D365FO_TOKEN_URL"] == (
        "https://localhost:8443/tenant-of-default/oauth2/token"
    )
    assert variables["REQUESTS_CA_BUNDLE"] == variables["D365FO_CA_BUNDLE"] == "/ca/bundle.pem"
    assert variables["D365FO_COMPANY"] == "USMF"


def test_a_scenario_is_loaded_and_read_back(any_admin):
    any_admin.put_scenario("default", {"version": 1, "name": "mine", "rules": [RULE]})
    assert any_admin.scenario("default")["name"] == "mine"
    assert any_admin.rules("default")["rules"][0]["hits"] == 0
    added = any_admin.add_rule("default", {key: RULE[key] for key in ("match", "execution")})
    ids = [rule["id"] for rule in any_admin.scenario("default")["rules"]]
    assert ids == [added["id"], "slow"]


def test_a_scenario_read_back_can_be_loaded_again(any_admin):
    any_admin.put_scenario("default", {"version": 1, "rules": [RULE]})
    written = any_admin.scenario("default")
    assert any_admin.put_scenario("default", written) == written


def test_a_bad_scenario_is_refused_with_its_place(any_admin):
    with pytest.raises((ScenarioInvalid, AdminProblem)) as refused:
        any_admin.put_scenario("default", "version: 1\nrules: {}\n")
    problem = refused.value.problems[0]
    line = problem["line"] if isinstance(problem, dict) else problem.line
    assert line == 2
    checked = any_admin.validate_scenario("version: 1\nrules: {}\n")
    assert not checked["valid"]
    assert checked["problems"][0]["line"] == 2
    assert any_admin.validate_scenario({"version": 1, "rules": [RULE]})["valid"]


def test_an_execution_is_seen_and_moved_by_its_free_text_id(any_admin):
    assert len(any_admin.executions("default")["executions"]) == 1
    assert any_admin.execution("default", "a//b c")["state"] == "Executing"
    assert any_admin.control("default", "a//b c", "fail")["state"] == "Failed"
    with pytest.raises((ControlRefused, AdminProblem), match="has ended"):
        any_admin.control("default", "a//b c", "fail")


def test_the_clock_is_moved_by_durations(any_admin):
    assert any_admin.clock("default")["now"] == "2026-01-01T00:00:00Z"
    moved = any_admin.advance_clock("default", "61m")
    assert (moved["now"], moved["ran"]) == ("2026-01-01T01:01:00Z", [])
    assert any_admin.resume_clock("default")["mode"] == "real"
    assert any_admin.freeze_clock("default")["mode"] == "virtual"


def test_the_clock_is_set_to_a_mode_and_an_instant(any_admin):
    moved = any_admin.put_clock("default", now="2026-01-01T02:00:00Z")
    assert (moved["mode"], moved["now"]) == ("virtual", "2026-01-01T02:00:00Z")
    moved = any_admin.put_clock("default", "auto", "2026-01-01T03:00:00Z")
    assert (moved["mode"], moved["now"]) == ("auto", "2026-01-01T03:00:00Z")
    assert any_admin.put_clock("default", "real")["mode"] == "real"


def test_the_journal_is_filtered_read_in_full_and_cleared(any_admin):
    entries = any_admin.journal("default", action="ImportFromPackage")["entries"]
    assert [entry["path"] for entry in entries] == ["/data/ImportFromPackage"]
    assert "requestHeaders" not in entries[0]
    assert any_admin.journal_entry("default", entries[0]["id"])["requestHeaders"] == []
    assert any_admin.journal("default", since="2026-01-01T00:00:01Z")["entries"] == []
    assert len(any_admin.journal("default", limit=1)["entries"]) == 1
    any_admin.clear_journal("default")
    assert any_admin.journal("default")["entries"] == []


def test_calls_are_verified_and_a_wrong_number_is_explained(any_admin):
    assert any_admin.verify("default", {"action": "GetAzureWriteUrl"}, count=1)["verified"]
    failed = any_admin.verify("default", {"action": "Get*"}, at_least=2)
    assert (failed["verified"], failed["count"]) == (False, 1)
    assert "at least 2" in failed["message"]


def test_rows_come_in_pages(any_admin):
    page = any_admin.rows("default", "Customer groups", "USMF", limit=1, offset=1)
    assert page["count"] == 2
    assert page["rows"] == [{"CustomerGroupId": "20", "Description": "Minor"}]


def test_a_reset_keeps_what_it_is_told_to(any_admin, workspaces):
    any_admin.reset("default", ("journal", "clock"))
    assert workspaces.resets == [("default", ("journal", "clock"))]


def test_nothing_there_and_something_else_there_are_told_from_refusals(httpserver):
    with pytest.raises(AdminUnreachable, match="nothing answers"):
        HttpAdmin("http://127.0.0.1:1").live()
    httpserver.expect_request("/_emulator/v1/live").respond_with_data("hello")
    with pytest.raises(AdminUnreachable, match="no emulator"):
        HttpAdmin(httpserver.url_for("")).live()
