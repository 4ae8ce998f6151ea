"""`import` and `export` against any service: what they bear with, and what they give up at."""

import json

import pytest
from werkzeug import Response

from d365fo_emulator.admin.errors import AdminUnreachable
from d365fo_emulator.cli.api import ApiRefused, Connection, PackageApi, StillWaiting, retry_after
from d365fo_emulator.cli.connection import connect
from d365fo_emulator.cli.job import Waiting, result_document, start_export, wait_for_end
from d365fo_emulator.cli.transfer import _file_name
from d365fo_emulator.cli.where import Where
from d365fo_emulator.kernel.errors import ConfigurationError

pytestmark = pytest.mark.evidence("client")
ACTION = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
NO_WAIT = Waiting(0.0, 5.0)
NOT_FOUND = {
    "error": {
        "code": "",
        "message": "An error has occurred.",
        "innererror": {"message": "Execution details were not found for execution id: e"},
    }
}


class Service:
    """A service of scripted answers, by action."""

    def __init__(self, httpserver):
        self.httpserver = httpserver
        self.tokens = 0
        httpserver.expect_request("/t/oauth2/token").respond_with_handler(self._token)

    def _token(self, request):
        self.tokens += 1
        assert request.form["resource"] == self.httpserver.url_for("").rstrip("/")
        return answer({"access_token": f"token-{self.tokens}", "expires_in": "3600"})

    def script(self, action, *answers):
        left = list(answers)
        self.httpserver.expect_request(ACTION + action).respond_with_handler(
            lambda _request: left.pop(0) if len(left) > 1 else left[0]
        )

    @property
    def api(self):
        base = self.httpserver.url_for("").rstrip("/")
        return PackageApi(Connection(base, f"{base}/t/oauth2/token", "c", "s", base, "USMF"))

    def rows(self, entity_set, *rows):
        self.httpserver.expect_request(f"/data/{entity_set}").respond_with_json(
            {"value": list(rows)}
        )

    def calls(self, action):
        return sum(request.path.endswith(action) for request, _ in self.httpserver.log)


def unpausing(api):
    """The session, with pauses that are noted and not made."""
    api.waited = []
    api.wait = api.waited.append
    return api


def answer(document, status=200, **headers):
    content = json.dumps(document)
    return Response(content, status, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.fixture
def service(httpserver):
    return Service(httpserver)


def test_it_waits_through_not_found_and_every_state_that_is_no_end(service):
    states = ("NotRun", "Executing", "Unknown", "PartiallySucceeded")
    answers = [answer({"value": state}) for state in states]
    service.script("GetExecutionSummaryStatus", answer(NOT_FOUND, 400), *answers)
    assert wait_for_end(service.api, "e", NO_WAIT) == "PartiallySucceeded"


def test_another_refusal_while_waiting_is_told_in_the_services_words(service):
    service.script("GetExecutionSummaryStatus", answer({"error": {"message": "Oh no."}}, 500))
    with pytest.raises(ApiRefused, match=r"HTTP 500: Oh no\."):
        wait_for_end(service.api, "e", NO_WAIT)


def test_the_wait_ends_at_its_deadline_and_names_the_execution(service):
    service.script("GetExecutionSummaryStatus", answer({"value": "Executing"}))
    with pytest.raises(StillWaiting, match=r"execution e: still Executing"):
        wait_for_end(service.api, "e", Waiting(0.01, 0.005))


def test_a_token_that_is_refused_is_renewed_once(service):
    service.script("X", answer({"Message": "Authentication failed."}, 401), answer({"value": 1}))
    assert service.api.action("X") == 1
    assert service.tokens == 2
    service.script("Y", answer({"Message": "Authentication failed."}, 401))
    with pytest.raises(ApiRefused, match="401: Authentication failed"):
        service.api.action("Y")


def test_a_throttled_call_is_repeated_after_the_time_it_was_told(service):
    waited = []
    service.script("X", answer({}, 429, Retry_After="7"), answer({"value": "ok"}))
    api = service.api
    api.wait = waited.append
    assert api.action("X") == "ok"
    assert waited == [7.0]


def test_a_retry_after_is_seconds_a_date_or_a_second():
    assert retry_after(" 12 ") == 12
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("soon") == 1


def test_the_zero_guid_means_that_nothing_was_started(service):
    service.script("ExportToPackage", answer({"value": "00000000-0000-0000-0000-000000000000"}))
    with pytest.raises(ApiRefused, match="did not start"):
        start_export(service.api, "p", "p")


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        ('[{"RecordId":"3","ErrorMessage":"no"}]', [{"RecordId": "3", "ErrorMessage": "no"}]),
        ("[]", []),
        ("", []),
        ('[{"RecordId":"3","Error":"a "quote""}]', '[{"RecordId":"3","Error":"a "quote""}]'),
    ],
)
def test_a_foreign_service_is_asked_for_errors_and_no_counts_are_made_up(service, value, errors):
    service.script("GetExecutionErrors", answer({"value": value}))
    document = result_document(service.api, None, "e", "Failed")
    assert document == {"executionId": "e", "state": "Failed", "errors": errors}


def nowhere(url="", **variables):
    return Where(url, "", "", None, variables)


def test_variables_of_a_foreign_service_are_enough():
    variables = {
        "D365FO_BASE_URL": "http://127.0.0.1:1/",
        "D365FO_TENANT_ID": "t",
        "D365FO_CLIENT_ID": "c",
        "D365FO_CLIENT_SECRET": "s",
    }
    connected = connect({"company": "DEMF"}, nowhere(**variables))
    assert connected.admin is None
    assert connected.connection == Connection(
        base_url="http://127.0.0.1:1",
        token_url="https://login.microsoftonline.com/t/oauth2/token",
        client_id="c",
        client_secret="s",
        resource="http://127.0.0.1:1",
        company="DEMF",
        tenant_id="t",
    )


def test_a_secret_for_one_service_is_not_sent_to_the_token_endpoint_of_another():
    told = {"base_url": "http://127.0.0.1:1", "tenant_id": "mine"}
    variables = {
        "D365FO_BASE_URL": "http://elsewhere",
        "D365FO_TOKEN_URL": "http://elsewhere/token",
        "D365FO_CLIENT_ID": "c",
        "D365FO_CLIENT_SECRET": "s",
    }
    connection = connect(told, nowhere(told["base_url"], **variables)).connection
    assert connection.token_url == "https://login.microsoftonline.com/mine/oauth2/token"


def test_what_is_missing_is_named():
    told = {"base_url": "http://127.0.0.1:1", "client_id": "c"}
    with pytest.raises(ConfigurationError, match="missing: --client-secret, --tenant"):
        connect(told, nowhere("http://127.0.0.1:1"))


def test_an_address_alone_is_an_emulators_and_its_silence_is_told():
    with pytest.raises(AdminUnreachable, match="nothing answers at http"):
        connect({"base_url": "http://127.0.0.1:1"}, nowhere("http://127.0.0.1:1"))


def test_a_refusal_of_an_emulator_comes_with_its_reason(service):
    refusal = {"error": {"message": "An error has occurred."}}
    service.script("X", answer(refusal, 400, X_Emulator_Reason="there is no such project"))
    with pytest.raises(ApiRefused, match=r"occurred\.\n  why: there is no such project$"):
        service.api.action("X")


@pytest.mark.parametrize(
    ("project", "name"), [("a/b:c", "a_b_c"), ("..", "package"), ("Über uns", "Über uns")]
)
def test_a_projects_name_becomes_one_that_file_systems_take(project, name):
    assert _file_name(project) == name


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_call_that_only_reads_is_repeated_after_what_passes(service, status):
    service.script("GetX", answer({}, status), answer({}, status), answer({"value": "ok"}))
    api = unpausing(service.api)
    assert api.action("GetX") == "ok"
    assert api.waited == [1, 2]


def test_it_gives_up_in_the_services_own_words(service):
    service.script("GetX", answer({"error": {"message": "Busy."}}, 503))
    api = unpausing(service.api)
    with pytest.raises(ApiRefused, match=r"HTTP 503: Busy\."):
        api.action("GetX")
    assert service.calls("GetX") == 4


@pytest.mark.parametrize("status", [400, 403, 404, 500, 501])
def test_what_will_not_pass_is_not_repeated(service, status):
    service.script("GetX", answer({}, status))
    with pytest.raises(ApiRefused):
        unpausing(service.api).action("GetX")
    assert service.calls("GetX") == 1


def test_an_export_whose_answer_was_lost_is_looked_up_and_not_sent_again(service, capsys):
    service.script("ExportToPackage", answer({}, 504))
    service.script("GetExecutionSummaryStatus", answer(NOT_FOUND, 400), answer({"value": "NotRun"}))
    api = unpausing(service.api)
    execution = start_export(api, "p", "p")
    assert service.calls("ExportToPackage") == 1
    sent = [r.json for r, _ in service.httpserver.log if r.path.endswith("ExportToPackage")]
    assert sent[0]["executionId"] == execution
    assert "was lost, but execution" in capsys.readouterr().err


def test_an_export_that_never_began_is_an_error(service):
    service.script("ExportToPackage", answer({}, 504))
    service.script("GetExecutionSummaryStatus", answer(NOT_FOUND, 400))
    api = unpausing(service.api)
    with pytest.raises(ApiRefused, match="ExportToPackage: HTTP 504"):
        start_export(api, "p", "p")
    assert service.calls("ExportToPackage") == 1
    assert api.waited == [1, 2, 4, 8, 16]


def test_a_throttled_export_is_sent_again_since_nothing_was_done(service):
    service.script("ExportToPackage", answer({}, 503, Retry_After="3"), answer({"value": "e"}))
    api = unpausing(service.api)
    assert start_export(api, "p", "p") == "e"
    assert api.waited == [3.0]


def test_counts_of_a_foreign_service_come_from_its_set_of_details(service):
    service.script("GetExecutionErrors", answer({"value": "[]"}))
    service.rows(
        "DataManagementExecutionJobDetails",
        {
            "EntityName": "Customers V3",
            "StagingStatus": "Finished",
            "TargetStatus": "Error",
            "StagingRecordsToBeProcessedCount": 15,
            "StagingRecordsCreatedCount": 15,
            "TargetRecordsCreatedCount": 11,
            "TargetRecordsUpdatedCount": 1,
        },
    )
    (entity,) = result_document(service.api, None, "it's", "PartiallySucceeded")["entities"]
    assert (entity["targetRecordsCreated"], entity["targetRecordsInError"]) == (11, 3)
    (asked,) = [r for r, _ in service.httpserver.log if r.method == "GET"]
    assert asked.args["$filter"] == "JobId eq 'it''s'"
