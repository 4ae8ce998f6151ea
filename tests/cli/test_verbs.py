"""The verbs without a server: what they print, what they refuse, what they end with."""

import json
import os
import stat

import pytest

from d365fo_emulator.admin.errors import AdminProblem
from d365fo_emulator.cli import ready_file, where
from d365fo_emulator.cli.env import FORMATS, value_of
from d365fo_emulator.cli.executions import short_instant
from d365fo_emulator.cli.journal import short_line
from d365fo_emulator.cli.main import UNBUILT, VERBS, python_refusal, run
from d365fo_emulator.config.environment import environment_schema
from d365fo_emulator.config.model import settings

pytestmark = pytest.mark.evidence("documented")

VARIABLES = {
    "D365FO_BASE_URL": "https://localhost:8443",
    "D365FO_TENANT_ID": "t-1",
    "D365FO_CLIENT_ID": "c-1",
    "D365FO_CLIENT_SECRET": "it's $secret",
    "D365FO_RESOURCE": "https://localhost:8443",
    "D365FO_AUTHORITY": "https://localhost:8443/t-1",
    "D365FO_TOKEN_URL": "https://localhost:8443/t-1/oauth2/token",
    "D365FO_CA_BUNDLE": "/ca.pem",
    "D365FO_COMPANY": "USMF",
    "AZURE_TENANT_ID": "t-1",
}
DOCUMENT = {
    "executionId": "e-1",
    "state": "PartiallySucceeded",
    "operation": "Import",
    "definitionGroup": "g",
    "company": "USMF",
    "polls": 2,
    "timeline": [{"state": "NotRun", "at": "2026-01-01T00:00:00Z", "because": "accepted"}],
    "entities": [
        {
            "entity": "Customer groups",
            "stagingStatus": "Finished",
            "targetStatus": "Error",
            "sourceRecords": 3,
            "stagingRecordsCreated": 3,
            "stagingRecordsInError": 0,
            "targetRecordsCreated": 1,
            "targetRecordsUpdated": 1,
            "targetRecordsInError": 1,
        }
    ],
    "errors": [
        {
            "entity": "Customer groups",
            "stage": "target",
            "recordId": "3",
            "field": "F",
            "message": "no",
        }
    ],
    "errorCount": 5,
    "reason": "one row failed",
}


class FakeAdmin:
    """An emulator that has one execution and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def workspaces(self):
        return {
            "workspaces": [{"id": "default", "tenant_id": "t-0"}, {"id": "job", "tenant_id": "t-1"}]
        }

    def environment_block(self, workspace, base_url=""):
        self.asked.append(("environment", workspace))
        return dict(VARIABLES)

    def create_workspace(self, workspace=None, **options):
        self.asked.append(("create", workspace))
        if workspace == "there":
            raise AdminProblem(409, {"type": "urn:x:workspace-exists", "detail": "exists"})
        return {"environment": {**VARIABLES, "D365FO_TENANT_ID": "t-new"}}

    def executions(self, workspace):
        self.asked.append(("executions", workspace))
        return {"executions": [DOCUMENT]}

    def execution(self, workspace, execution):
        if execution != "e-1":
            raise AdminProblem(404, {"type": "urn:x:execution-not-found", "detail": "no such one"})
        return DOCUMENT

    def control(self, workspace, execution, action):
        self.asked.append((action, execution))
        return {**DOCUMENT, "state": "Failed"}

    def advance_clock(self, workspace, by):
        return {"mode": "virtual", "now": "N", "nextDue": None, "ran": [{"at": "A", "what": "W"}]}

    def journal(self, workspace, **filters):
        self.asked.append(("journal", filters))
        return {"entries": [{"id": "r-1", "line": "12:00:00 odata POST /data -> 200"}]}

    def put_scenario(self, workspace, text):
        self.asked.append(("scenario", workspace))
        return {"name": "failed", "rules": [1]}

    def ca_pem(self):
        return "PEM\n"


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch, tmp_path):
    for name in (*VARIABLES, "D365FO_EMULATOR_READY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(where, "well_known_path", lambda: tmp_path / "none" / "ready.json")


@pytest.fixture
def admin(monkeypatch):
    fake = FakeAdmin()
    monkeypatch.setattr(where.Where, "admin", lambda self, timeout=30: fake)
    return fake


def test_the_help_lists_every_verb_and_says_which_are_not_built(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for verb in (*VERBS, *UNBUILT):
        assert f"  {verb} " in text
    assert text.count("(not built yet)") == len(UNBUILT)


@pytest.mark.parametrize("verb", sorted(UNBUILT))
def test_a_verb_that_is_not_built_says_so_in_one_sentence(capsys, verb):
    assert run([verb, "anything", "--flag"]) == 2
    assert capsys.readouterr().err == f"d365fo-emulator: the verb '{verb}' is not built yet\n"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["executions", "nonsense"], ["clock", "advance"], ["serve", "--x"]]
)
def test_wrong_usage_ends_with_two(arguments):
    assert run(arguments) == 2


def test_every_setting_is_a_flag_of_serve(capsys):
    assert run(["serve", "--help"]) == 0
    text = capsys.readouterr().out
    for setting in settings():
        assert f"{setting.flag} " in text or f"{setting.flag} /" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--http-port", "70000"], "is no port"),
        (["--blob-backend", "azure"], "not emulated yet"),
        (["--environment", "nowhere.yaml"], "cannot be read"),
    ],
)
def test_serve_refuses_what_cannot_be_used_in_one_sentence(capsys, arguments, says):
    assert run(["serve", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_word_that_is_no_verb_is_answered_with_the_nearest(capsys):
    assert run(["exprt", "x.zip"]) == 2
    assert "there is no verb 'exprt'; did you mean 'export'?" in capsys.readouterr().err


def test_a_trust_bundle_that_is_gone_is_named_with_the_remedy(monkeypatch, capsys):
    monkeypatch.setenv("D365FO_BASE_URL", "https://localhost:1")
    monkeypatch.setenv("D365FO_CA_BUNDLE", "/gone/bundle.pem")
    assert run(["executions", "list"]) == 2
    error = capsys.readouterr().err
    assert "D365FO_CA_BUNDLE: there is no file /gone/bundle.pem" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://127.0.0.1:8443", "https://localhost:8443", True),
        ("https://[::1]:8443/", "https://localhost:8443", True),
        ("http://localhost:8443", "https://localhost:8443", False),
        ("https://localhost:8444", "https://localhost:8443", False),
        ("https://erp.example:8443", "https://localhost:8443", False),
        ("https://localhost:8443", "", False),
    ],
)
def test_an_address_is_the_emulators_own_by_any_name_of_the_loopback(one, other, same):
    assert where.same_place(one, other) is same


def test_an_emulator_that_is_not_there_ends_with_three(capsys):
    assert run(["executions", "list", "--url", "http://127.0.0.1:1"]) == 3
    error = capsys.readouterr().err
    assert "nothing answers at http://127.0.0.1:1" in error
    assert "start one with: d365fo-emulator serve" in error
    assert run(["wait", "--timeout", "0.1", "--url", "http://127.0.0.1:1"]) == 3


def test_executions_are_listed_as_lines_and_as_json(admin, capsys):
    assert run(["executions", "list"]) == 0
    assert capsys.readouterr().out == "e-1\tImport\tg\tUSMF\tPartiallySucceeded\t2\n"
    assert run(["executions", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"executions": [DOCUMENT]}


def test_an_execution_is_shown_with_counts_and_errors(admin, capsys):
    assert run(["executions", "show", "e-1"]) == 0
    text = capsys.readouterr().out
    counts = "3 read, 3 staged, 1 created, 1 updated, 1 in error at target; target Error"
    assert f"Customer groups: {counts}\n" in text
    assert "Customer groups row 3 (target): F: no" in text
    assert "and 4 more errors" in text


def test_something_that_is_not_there_ends_with_one(admin, capsys):
    assert run(["executions", "show", "none"]) == 1
    assert capsys.readouterr().err == "d365fo-emulator: no such one\n"


@pytest.mark.parametrize("action", ["advance", "finish", "fail", "cancel", "rerun"])
def test_an_execution_is_moved_by_hand(admin, capsys, action):
    assert run(["executions", action, "e-1"]) == 0
    assert admin.asked[-1] == (action, "e-1")
    assert capsys.readouterr().out == "e-1: Failed\n"


def test_the_beginning_of_an_id_is_enough(admin):
    assert run(["executions", "cancel", "E"]) == 0
    assert admin.asked[-1] == ("cancel", "e-1")


def test_instants_are_shown_to_the_millisecond():
    assert short_instant("2026-01-01T00:00:00.123456Z") == "2026-01-01T00:00:00.123Z"
    assert short_instant("2026-01-01T00:00:00Z") == "2026-01-01T00:00:00Z"


def test_a_call_fits_a_terminal_and_has_its_reason_below():
    entry = {
        "id": "0" * 36,
        "at": "2026-01-01T12:00:00.5Z",
        "surface": "odata",
        "method": "POST",
        "path": "/data/x",
        "status": 400,
        "reason": "no such project",
        "facts": {"action": "GetExecutionSummaryStatus"},
    }
    first, second = short_line(entry).splitlines()
    assert first == f"{'0' * 36}  12:00:00  400  GetExecutionSummaryStatus"
    assert len(first) <= 80
    assert second.strip() == "no such project"
    assert "POST /data/x" in short_line({**entry, "facts": {}})


def test_the_workspace_is_that_of_the_tenant_in_the_variables(admin, monkeypatch):
    monkeypatch.setenv("D365FO_TENANT_ID", "T-1")
    run(["executions", "list"])
    run(["executions", "list", "--workspace", "told"])
    monkeypatch.setenv("D365FO_TENANT_ID", "unknown")
    run(["executions", "list"])
    assert [workspace for _, workspace in admin.asked] == ["job", "told", "default"]


def test_the_clock_tells_what_ran(admin, capsys):
    assert run(["clock", "advance", "61m"]) == 0
    assert capsys.readouterr().out == "N (virtual)\n  A  W\n"


def test_the_journal_passes_its_filters_on(admin, capsys):
    assert run(["journal", "show", "--action", "X*", "--limit", "5"]) == 0
    assert admin.asked == [("journal", {"limit": 5, "action": "X*"})]
    assert capsys.readouterr().out == "r-1  12:00:00 odata POST /data -> 200\n"


def test_shipped_scenarios_are_listed_shown_and_loaded_by_name(admin, capsys):
    assert run(["scenario", "list", "--json"]) == 0
    names = [item["name"] for item in json.loads(capsys.readouterr().out)["scenarios"]]
    assert "partially-succeeded" in names
    assert run(["scenario", "show", "failed"]) == 0
    assert "version: 1" in capsys.readouterr().out
    assert run(["scenario", "load", "failed"]) == 0
    assert admin.asked == [("scenario", "default")]


def test_a_scenario_is_validated_with_file_line_and_column(tmp_path, capsys):
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 1\nrules: {}\n", "utf-8")
    assert run(["scenario", "validate", str(bad)]) == 1
    assert f"{bad}:2:" in capsys.readouterr().err
    good = tmp_path / "good.yaml"
    good.write_text("version: 1\nrules: []\n", "utf-8")
    assert run(["scenario", "validate", str(good)]) == 0
    assert run(["scenario", "validate", str(tmp_path / "none.yaml")]) == 2
    assert run(["scenario", "load", str(bad)]) == 2


def test_the_scenario_schema_is_printed(capsys):
    assert run(["scenario", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_env_has_a_form_for_each_surrounding(admin, capsys, form):
    assert run(["env", "--format", form]) == 0
    text = capsys.readouterr().out
    expected = {
        "sh": "export D365FO_CLIENT_SECRET='it'\"'\"'s $secret'\n",
        "ps1": "$env:D365FO_CLIENT_SECRET = 'it''s $secret'\n",
        "dotenv": 'D365FO_CLIENT_SECRET="it\'s \\$secret"\n',
        "json": '  "D365FO_CLIENT_SECRET": "it\'s $secret"',
        "appsettings": '    "ClientSecret": "it\'s $secret"',
    }
    assert expected[form] in text
    if form in ("json", "appsettings"):
        json.loads(text)


def test_env_prints_the_schema_of_environment_files(capsys):
    assert run(["env", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == environment_schema()


def test_env_leaves_out_the_variables_of_libraries_when_told(admin, capsys):
    run(["env", "--no-libraries"])
    text = capsys.readouterr().out
    assert "D365FO_TENANT_ID" in text
    assert "AZURE" not in text


@pytest.mark.parametrize("key", ["D365FO_TENANT_ID", "tenant_id", "tenant", "TenantId"])
def test_env_gets_one_value_by_any_of_its_names(admin, capsys, key):
    assert run(["env", "--get", key]) == 0
    assert capsys.readouterr().out == "t-1\n"
    assert value_of(VARIABLES, "company") == "USMF"


def test_env_refuses_a_name_that_is_none(admin, capsys):
    assert run(["env", "--get", "D365FO_TENAT_ID"]) == 2
    assert "did you mean 'D365FO_TENANT_ID'" in capsys.readouterr().err


def test_env_creates_a_workspace_and_takes_one_that_is_there(admin, capsys):
    assert run(["env", "--workspace", "new", "--create", "--get", "tenant"]) == 0
    assert run(["env", "--workspace", "there", "--create", "--get", "tenant"]) == 0
    assert capsys.readouterr().out == "t-new\nt-1\n"
    assert admin.asked == [("create", "new"), ("create", "there"), ("environment", "there")]
    assert run(["env", "--create"]) == 2


def test_the_address_is_as_told_else_the_variables_else_the_ready_file(monkeypatch, tmp_path):
    path = tmp_path / "none" / "ready.json"
    ready_file.write_ready_file(path, READY)

    def address(url="", ready=None, **variables):
        return where.Where(url, "", "", ready, variables).address()

    assert address() == ("http://localhost:1", "/bundle.pem")
    assert address(D365FO_BASE_URL="https://b", D365FO_CA_BUNDLE="/b.pem") == (
        "https://b",
        "/b.pem",
    )
    assert address("https://a", D365FO_BASE_URL="https://b") == ("https://a", "")
    assert address("https://localhost:2") == ("https://localhost:2", "/bundle.pem")
    assert address(ready=path, D365FO_BASE_URL="https://b")[0] == "http://localhost:1"
    path.unlink()
    assert address() == ("http://127.0.0.1:8365", "")


READY = dict.fromkeys(ready_file.MEMBERS, "") | {
    "http_url": "http://localhost:1",
    "https_url": "https://localhost:2",
    "ca_bundle": "/bundle.pem",
    "pid": 1,
}


def test_the_ready_file_is_for_the_user_alone_and_whole(tmp_path):
    path = tmp_path / "deep" / "ready.json"
    ready_file.write_ready_file(path, READY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tuple(ready_file.read_ready_file(path)) == ready_file.MEMBERS
    assert [item.name for item in path.parent.iterdir()] == ["ready.json"]


def test_only_the_process_that_wrote_the_ready_file_removes_it(tmp_path):
    path = tmp_path / "ready.json"
    ready_file.write_ready_file(path, READY)
    ready_file.remove_ready_file(path)
    assert path.exists()
    ready_file.write_ready_file(path, {**READY, "pid": os.getpid()})
    ready_file.remove_ready_file(path)
    assert not path.exists()


def test_a_file_that_is_no_ready_file_is_named(tmp_path, capsys):
    path = tmp_path / "ready.json"
    path.write_text("[]", "utf-8")
    assert run(["clock", "show", "--ready-file", str(path)]) == 2
    assert f"{path} is no ready file" in capsys.readouterr().err


def test_a_python_that_is_too_old_is_told_the_remedy():
    assert python_refusal((3, 10)) == "Python 3.10 is too old: run it with Python 3.11 or later"
    assert python_refusal((3, 11)) == ""
