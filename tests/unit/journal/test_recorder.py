import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from d365fo_emulator.journal.model import Entry
from d365fo_emulator.journal.recorder import Journal
from d365fo_emulator.journal.verify import VerificationFailed, verify

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def entry(number=1, **changes):
    members = {
        "id": f"r{number}",
        "at": START + dt.timedelta(seconds=number),
        "surface": "odata",
        "method": "POST",
        "path": "/data/x",
        "status": 200,
        "facts": {"action": "GetExecutionErrors", "executionId": "E-1"},
    }
    return Entry(**members | changes)


def filled(*entries):
    journal = Journal("w")
    for one in entries:
        journal.record(one)
    return journal


@pytest.mark.evidence("inferred")
def test_a_recorded_entry_holds_no_secret_anywhere():
    kept = filled(
        entry(
            path="/dev/dmf/x",
            query="sv=1&sig=hunter2",
            request_headers=(("Authorization", "Bearer hunter2"),),
            request_body="client_secret=hunter2",
            response_headers=(("Location", "http://h?sig=hunter2"),),
            response_body='{"access_token":"hunter2"}',
            reason="bad client_secret=hunter2",
            notes=("http://h?sig=hunter2",),
        )
    ).get("r1")
    assert "hunter2" not in repr(kept)
    assert kept.query == "sv=1&sig=REDACTED"


@pytest.mark.evidence("inferred")
def test_the_oldest_entries_go_when_there_are_too_many():
    journal = Journal("w", max_entries=3)
    for number in range(5):
        journal.record(entry(number))
    assert [e.id for e in journal.entries()] == ["r2", "r3", "r4"]
    assert journal.dropped == 2
    assert journal.get("r0") is None


@pytest.mark.evidence("inferred")
def test_the_oldest_entries_go_when_they_take_too_many_bytes_but_never_the_latest():
    journal = Journal("w", max_bytes=5000)
    journal.record(entry(1, response_body="x" * 3000))
    journal.record(entry(2, response_body="x" * 3000))
    assert [e.id for e in journal.entries()] == ["r2"]
    journal.record(entry(3, response_body="x" * 9000))
    assert [e.id for e in journal.entries()] == ["r3"]


@pytest.mark.evidence("inferred")
def test_entries_are_found_by_time_action_execution_status_and_surface():
    journal = filled(
        entry(1),
        entry(2, status=400),
        entry(3, surface="token", facts={}),
        entry(4, facts={"action": "ImportFromPackage", "executionId": "E-2"}),
    )

    def ids(**asked):
        return [e.id for e in journal.entries(**asked)]

    assert ids(since=START + dt.timedelta(seconds=3)) == ["r3", "r4"]
    assert ids(limit=1) == ["r4"]
    assert ids(limit=0) == []
    assert ids(action="GetExecutionErrors") == ["r1", "r2"]
    assert ids(execution="e-2") == ["r4"]
    assert ids(status=400, action="GetExecutionErrors") == ["r2"]
    assert ids(surface="token") == ["r3"]
    assert ids(surface="action") == ["r1", "r2", "r4"]


@pytest.mark.evidence("inferred")
def test_a_cleared_journal_is_empty_and_goes_on():
    journal = filled(entry(1))
    journal.clear()
    assert len(journal) == 0
    journal.record(entry(2))
    assert [e.id for e in journal.entries()] == ["r2"]


@pytest.mark.evidence("inferred")
def test_an_excerpt_has_the_latest_lines_and_says_how_many_came_before():
    journal = filled(*(entry(n) for n in range(5)), entry(5, status=404, reason="no such blob"))
    assert journal.excerpt(2) == [
        "(4 earlier)",
        "00:00:04 odata POST /data/x GetExecutionErrors -> 200",
        "00:00:05 odata POST /data/x GetExecutionErrors -> 404 (no such blob)",
    ]


@pytest.mark.evidence("inferred")
def test_threads_lose_no_entry():
    journal = Journal("w", max_entries=150)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: journal.record(entry(n)), range(200)))
    assert len(journal) == 150
    assert journal.dropped == 50


@pytest.mark.evidence("inferred")
def test_verify_counts_by_globs_without_letter_case():
    calls = [entry(1), entry(2, status=400), entry(3, surface="token", facts={})]
    assert len(verify(calls, {"action": "getexecution*"}, count=2)) == 2
    assert [e.id for e in verify(calls, {"surface": "token"})] == ["r3"]
    verify(calls, {"status": 400}, at_least=1, at_most=1)
    verify(calls, {"action": ["Import*", "Export*"]}, count=0)
    verify(calls, {}, count=3)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("expected", [{"count": 1}, {"at_least": 3}, {"at_most": 1}, {"count": 0}])
def test_verify_fails_when_the_number_differs(expected):
    with pytest.raises(VerificationFailed):
        verify([entry(1), entry(2)], {"action": "GetExecutionErrors"}, **expected)


@pytest.mark.evidence("inferred")
def test_a_failed_verification_says_what_was_seen_and_how_it_differed():
    with pytest.raises(VerificationFailed) as failure:
        verify([entry(1), entry(2, status=400)], {"action": "ImportFromPackage", "status": 400})
    text = str(failure.value)
    assert "expected at least 1 of action='ImportFromPackage', status=400; found 0" in text
    first, second = text.splitlines()[1:]
    assert first.endswith("-> 400: action is 'GetExecutionErrors'")
    assert second.endswith("action is 'GetExecutionErrors'; status is '200'")


@pytest.mark.evidence("inferred")
def test_verify_refuses_a_matcher_that_there_is_not():
    with pytest.raises(ValueError, match="did you mean 'action'"):
        verify([], {"acton": "x"}, count=0)
