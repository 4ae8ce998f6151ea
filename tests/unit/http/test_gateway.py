from __future__ import annotations

import json
import logging

import pytest

from d365fo_emulator.http.bodies import BodyTruncated
from d365fo_emulator.http.exchange import SurfaceName
from d365fo_emulator.http.gateway import NO_ANSWER, one_line
from d365fo_emulator.kernel.faults import Decision, Fault, FaultPhase
from unit.http.gateway_support import Caller

pytestmark = pytest.mark.evidence("inferred")

SURFACE_PATHS = [
    ("/data/x", "odata"),
    ("/t/oauth2/token", "token"),
    ("/devstoreaccount1/dmf/b", "blob"),
    ("/_emulator/v1/x", "admin"),
]


@pytest.fixture
def caller():
    return Caller()


@pytest.mark.parametrize(("path", "surface"), SURFACE_PATHS)
def test_each_surface_gets_its_requests(caller, path, surface):
    status, _, body = caller.ask(path)
    assert (status, json.loads(body)["surface"]) == (200, surface)


def test_a_namespace_is_a_prefix_of_the_same_surface(caller):
    _, _, body = caller.ask("/namespaces/AXSF/DATA/x")
    told = json.loads(body)
    assert (told["path"], told["prefix"]) == ("/data/x", "/namespaces/AXSF")
    exchange = caller.done[0][0]
    assert (exchange.prefix, exchange.path) == ("/namespaces/AXSF", "/namespaces/AXSF/DATA/x")


@pytest.mark.parametrize(("path", "surface"), SURFACE_PATHS)
def test_a_bad_host_is_400_in_the_surfaces_words(caller, path, surface):
    status, _, body = caller.ask(path, HTTP_HOST="a,b")
    assert (status, json.loads(body)) == (400, {"surface": surface, "status": 400})


def test_a_bad_host_is_journaled_and_told_why(caller):
    _, headers, _ = caller.ask("/data/x", HTTP_HOST="user@localhost")
    assert "no valid host and port" in headers["X-Emulator-Reason"]
    assert caller.events == ["start", "done"]


def test_urls_follow_host_or_the_public_url():
    for options, expected in [
        ({}, "http://localhost:8365"),
        ({"public_url": "https://emu.example"}, "https://emu.example"),
    ]:
        _, _, body = Caller(**options).ask("/data/x", HTTP_HOST="localhost")
        assert json.loads(body)["base_url"] == expected


def test_the_workspace_is_the_requests_or_the_default(caller):
    assert json.loads(caller.ask("/data/x")[2])["workspace"] == "default"
    assert json.loads(caller.ask("/data/x", HTTP_X_WORKSPACE="other")[2])["workspace"] == "other"


def test_an_unknown_workspace_is_404(caller):
    status, headers, _ = caller.ask("/_emulator/v1/x", HTTP_X_WORKSPACE="nobody")
    assert status == 404
    status, headers, _ = caller.ask("/data/x", HTTP_X_WORKSPACE="nobody")
    assert (status, headers["X-Emulator-Reason"]) == (404, "there is no workspace 'nobody'")


def test_request_ids_follow_from_the_seed_whatever_the_admin_api_is_asked():
    first, second = Caller(), Caller()
    ids = [first.ask("/data/x")[1]["X-Emulator-Request-Id"] for _ in range(2)]
    again = []
    for _ in range(2):
        second.ask("/_emulator/v1/x")
        again.append(second.ask("/data/x")[1]["X-Emulator-Request-Id"])
    assert ids == again
    assert len(set(ids)) == 2


def test_the_date_is_the_workspaces(caller):
    import datetime as dt

    assert caller.ask("/data/x")[1]["Date"] == "Fri, 02 Jan 2026 03:04:05 GMT"
    caller.surfaces.workspaces["default"].clock.advance(dt.timedelta(seconds=1))
    assert caller.ask("/data/x")[1]["Date"] == "Fri, 02 Jan 2026 03:04:06 GMT"


def test_the_journal_sees_a_request_in_order_and_whole(caller):
    caller.ask("/data/x?q=1", method="POST", body=b"asked", CONTENT_LENGTH="5")
    assert caller.events == ["start", "decide", "done"]
    exchange, status, headers, asked, answered = caller.done[0]
    assert (exchange.method, exchange.query, status, asked) == ("POST", "q=1", 200, b"asked")
    assert json.loads(answered)["body"] == "asked"
    assert exchange.facts == {"described": "/data/x"}
    assert headers["X-Emulator-Request-Id"] == exchange.request_id


def test_the_admin_api_is_neither_journaled_nor_ruled_by_scenarios():
    caller = Caller(decision=Decision(Fault("reset")))
    status, headers, _ = caller.ask("/_emulator/v1/x")
    assert (status, caller.events) == (200, [])
    assert "X-Emulator-Request-Id" not in headers


def test_excerpts_are_capped():
    caller = Caller(body_excerpt_bytes=4)
    caller.ask("/data/x", method="POST", body=b"123456789", CONTENT_LENGTH="9")
    assert (caller.done[0][3], len(caller.done[0][4])) == (b"1234", 4)


def test_blob_bodies_are_never_kept(caller):
    caller.ask("/devstoreaccount1/dmf/x", method="POST", body=b"secret", CONTENT_LENGTH="6")
    assert caller.done[0][3:] == (b"", b"")


def test_a_body_that_nobody_reads_stays_unread(caller):
    environ = caller.environ("/data/unread", method="POST", body=b"12345", CONTENT_LENGTH="5")
    source = environ["wsgi.input"]
    caller.gateway(environ, lambda *_: None)
    assert source.tell() == 0


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_limit_is_413(announced):
    caller = Caller(max_request_bytes=10)
    for body, expected in [(b"x" * 10, 200), (b"x" * 11, 413)]:
        more = {"CONTENT_LENGTH": str(len(body))} if announced else {}
        status, _, answer = caller.ask("/data/x", method="POST", body=body, **more)
        assert status == expected
    assert json.loads(answer)["surface"] == "odata"


def test_blobs_may_be_larger_than_other_bodies():
    caller = Caller(max_request_bytes=10)
    path = "/devstoreaccount1/dmf/x"
    body = b"x" * 100
    assert caller.ask(path, method="POST", body=body, CONTENT_LENGTH="100")[0] == 200


def test_a_caller_who_is_refused_does_not_reach_the_handler(caller):
    caller.surfaces.refuse_caller = "the token is of yesterday"
    status, headers, _ = caller.ask("/data/bug")
    assert (status, headers["X-Emulator-Reason"]) == (401, "the token is of yesterday")
    assert caller.events == ["start", "decide", "done"]


@pytest.mark.parametrize("path", ["/data/absent", "/absent", "/namespaces/x/absent"])
def test_unknown_paths_get_the_dialects_404(caller, path):
    status, _, body = caller.ask(path)
    assert (status, json.loads(body)) == (404, {"surface": "odata", "status": 404})


def test_a_wrong_method_gets_the_dialects_405_with_allow(caller):
    status, headers, body = caller.ask("/data/only-get", method="PATCH")
    assert (status, json.loads(body)["status"]) == (405, 405)
    assert "GET" in headers["Allow"]


def test_a_bug_is_500_in_the_surfaces_words_and_kept_for_the_test(caller, caplog):
    with caplog.at_level(logging.ERROR):
        status, headers, body = caller.ask("/data/bug")
    assert (status, json.loads(body)["status"]) == (500, 500)
    assert "ZeroDivisionError" in headers["X-Emulator-Reason"]
    assert [type(error) for error in caller.exceptions] == [ZeroDivisionError]
    assert any("ZeroDivisionError: a bug" in note for note in caller.done[0][0].notes)
    assert caplog.records[0].exc_info is not None


def test_a_failure_that_has_an_excuse_is_503_and_no_bug(caller, caplog):
    caller.excuse = "the workspace went away"
    status, headers, body = caller.ask("/data/bug")
    assert (status, json.loads(body)["status"]) == (503, 503)
    assert headers["X-Emulator-Reason"] == "the workspace went away"
    assert caller.exceptions == []
    assert caplog.records == []


def test_what_is_not_built_is_501_by_name(caller):
    status, headers, _ = caller.ask("/data/unbuilt")
    assert (status, headers["X-Emulator-Reason"]) == (501, "the thing is not emulated")
    assert caller.exceptions == []


@pytest.mark.parametrize(
    "decision",
    [
        Decision(Fault("reset")),
        Decision(Fault("reset", FaultPhase.AFTER)),
        Decision(latency_seconds=0.5),
    ],
)
def test_a_fault_that_nothing_performs_is_501_before_any_effect(decision):
    caller = Caller(decision=decision)
    status, headers, _ = caller.ask("/data/bug")
    assert (status, caller.exceptions) == (501, [])
    assert "is not emulated" in headers["X-Emulator-Reason"]


def test_why_a_rule_matched_stands_in_the_notes():
    caller = Caller(decision=Decision(because=("rule 1",)))
    caller.ask("/data/x")
    assert caller.done[0][0].notes == ["rule 1"]


def test_the_reason_is_one_line_and_only_with_refusals(caller):
    assert caller.ask("/data/refused")[1]["X-Emulator-Reason"] == "line one line ? two"
    assert "X-Emulator-Reason" not in caller.ask("/data/accepted")[1]


@pytest.mark.evidence("client")
def test_our_headers_on_blobs_have_no_lower_case_or_in_their_names(caller):
    # azure-storage-blob takes a header with "or-" in its name for a replication policy.
    headers = caller.ask("/devstoreaccount1/dmf/refused")[1]
    ours = [name for name in headers if name.upper().startswith("X-EMULATOR")]
    assert sorted(ours) == ["X-EMULATOR-REASON", "X-EMULATOR-REQUEST-ID"]


def test_our_headers_can_be_switched_off():
    headers = Caller(emulator_headers=False).ask("/data/refused")[1]
    assert not [name for name in headers if name.startswith("X-Emulator")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nSet-Cookie: b", "a Set-Cookie: b"),
        ("\u00e9\x00\x1b", "\u00e9"),
        ("x" * 900, "x" * 500),
    ],
)
def test_a_reason_cannot_break_its_header(text, line):
    assert one_line(text) == line


def test_a_streamed_answer_is_journaled_before_its_last_piece_leaves(caller):
    _, _, body = caller.start("/data/streamed")
    pieces = iter(body)
    assert next(pieces) == b"one"
    assert caller.done == []
    assert next(pieces) == b"two"
    assert caller.done[0][4] == b"onetwo"
    body.close()
    assert len(caller.done) == 1


def test_a_streamed_answer_that_is_given_up_is_journaled_as_such(caller):
    _, _, body = caller.start("/data/streamed")
    next(iter(body))
    body.close()
    assert "the answer did not come to its end" in caller.done[0][0].notes


def test_an_upload_cut_short_is_journaled_without_answer(caller):
    class Cut:
        def read(self, size):
            raise BodyTruncated("cut")

    environ = caller.environ("/data/x", method="POST", CONTENT_LENGTH="5")
    environ["wsgi.input"] = Cut()
    with pytest.raises(BodyTruncated):
        caller.gateway(environ, lambda *_: None)
    assert (caller.done[0][1], caller.done[0][0].reason) == (NO_ANSWER, "cut")


def test_the_way_of_a_request_is_one_list(caller):
    names = [name for name, _ in caller.gateway.way]
    assert names.index("scenario decides") < names.index("caller is authenticated")
    assert names[-1] == "dialect answers"


def test_every_surface_name_is_served(caller):
    assert {surface for _, surface in SURFACE_PATHS} == {name.value for name in SurfaceName}
