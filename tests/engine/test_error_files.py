"""The error files of imports, as clients ask for them and read them."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
import requests

from builders import CUSTOMER_GROUPS, Table, package
from job_tools import GROUPS, Refused
from written_packages import written

TERMS = "Terms of payment"
TERMS_NAME = "PaymentTermEntity"
COLUMNS = ("NAME", "DESCRIPTION", "NUMBEROFDAYS")
ROWS = (
    ("N10", "Net 10", "10"),
    ("N20", "Netto — 20, „Tage“", "twenty"),
    ("N30", "Net 30", "30"),
    ("N40", "Καθαρά 40", "forty"),
)
FORMATS = ("CSV", "CSV-Unicode", "XML-Element", "EXCEL")
BLANK = Table(GROUPS, CUSTOMER_GROUPS.columns, (("10", "One"), ("", "None"), ("30", "Three")))


def terms(rows=ROWS, source_format="CSV-Unicode"):
    return written(TERMS, TERMS_NAME, COLUMNS, rows, source_format)


def staging_url(client, execution, entity=TERMS):
    return client.value("GetImportStagingErrorFileUrl", executionId=execution, entityName=entity)


def keys_url(client, execution, entity=GROUPS):
    return client.value("GetImportTargetErrorKeysFileUrl", executionId=execution, entityName=entity)


def generate(client, execution, entity=GROUPS):
    return client.value(
        "GenerateImportTargetErrorKeysFile", executionId=execution, entityName=entity
    )


def ended(client, content, **members):
    execution = client.import_package(content, **members)
    client.poll(execution)
    return execution


def exchanged(package_bytes, content):
    """The package with its only data file in another version."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package_bytes)) as old,
        zipfile.ZipFile(target, "w") as new,
    ):
        for name in old.namelist():
            kept = name in ("Manifest.xml", "PackageHeader.xml")
            new.writestr(name, old.read(name) if kept else content)
    return target.getvalue()


def skipping(package_bytes):
    """The package with an entity that skips staging."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package_bytes)) as old,
        zipfile.ZipFile(target, "w") as new,
    ):
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, text.replace(b"<SkipStaging>false<", b"<SkipStaging>true<"))
    return target.getvalue()


# Source to staging


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("source_format", FORMATS)
def test_the_staging_file_has_the_failed_records_in_the_format_of_the_input(job, source_format):
    view, client = job
    rows = ROWS[:3] if source_format == "CSV" else ROWS
    good = tuple((name, text, days if days.isdigit() else "20") for name, text, days in rows)
    content = terms(rows, source_format)
    failed = client.get(staging_url(client, ended(client, content)))
    assert len(view.rows(TERMS, company="USMF")) == 0
    corrected = written(TERMS, TERMS_NAME, COLUMNS, good[1::2], source_format)
    with zipfile.ZipFile(io.BytesIO(terms(rows[1::2], source_format))) as expected:
        (name,) = {*expected.namelist()} - {"Manifest.xml", "PackageHeader.xml"}
        if source_format != "EXCEL":  # a workbook tells when it was made
            assert failed == expected.read(name)
    again = ended(client, exchanged(content, failed))
    assert [row for row in view.executions[again].errors if row["recordId"] != "0"]
    assert view.executions[again].entities[0]["sourceRecords"] == len(rows[1::2])
    assert client.state(ended(client, corrected)) == "Succeeded"


@pytest.mark.evidence("inferred")
def test_the_staging_file_keeps_columns_without_map_and_characters_beyond_the_code_page(job):
    _view, client = job
    text = 'NAME,DESCRIPTION,NUMBEROFDAYS\r\nN40,"Καθαρά, 40",forty\r\nN50,Net 50,50\r\n'
    content = exchanged(terms(ROWS[:1], "CSV"), text.encode())
    failed = client.get(staging_url(client, ended(client, content)))
    assert failed.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(failed.decode("utf-8-sig"), newline=""))
    assert header == ["NAME", "DESCRIPTION", "NUMBEROFDAYS"]
    assert rows == [["N40", "Καθαρά, 40", "forty"]]
    more = "NAME,DESCRIPTION,NUMBEROFDAYS,OWN\r\nN40,,forty,mine\r\n"
    failed = client.get(
        staging_url(client, ended(client, exchanged(terms(ROWS[:1], "CSV"), more.encode())))
    )
    assert failed == more.encode()


@pytest.mark.evidence("documented")
def test_the_staging_file_can_be_had_without_a_token_and_only_by_its_signature(job):
    _view, client = job
    url = staging_url(client, ended(client, terms()))
    with requests.Session() as stranger:
        stranger.trust_env = False
        stranger.verify = client.session.verify
        assert stranger.get(url).status_code == 200
        assert stranger.get(url.partition("?")[0]).status_code in {401, 403, 404, 409}
        assert stranger.put(url, data=b"x").status_code == 403


@pytest.mark.evidence("inferred")
def test_a_second_row_of_one_key_is_in_the_staging_file(job):
    _view, client = job
    rows = (("N10", "first", "10"), ("N10", "second", "10"), ("N20", "third", "20"))
    failed = client.get(staging_url(client, ended(client, terms(rows, "CSV"))))
    assert failed == b"NAME,DESCRIPTION,NUMBEROFDAYS\r\nN10,second,10\r\n"


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("content", "entity"),
    [
        pytest.param(package(), GROUPS, id="nothing failed"),
        pytest.param(package(BLANK), GROUPS, id="a row failed in the target step"),
        pytest.param(exchanged(package(), b""), GROUPS, id="the file is empty"),
        pytest.param(terms(), GROUPS, id="an entity that the package has not"),
        pytest.param(terms(), "Moon phases", id="an entity that nobody knows"),
    ],
)
def test_there_is_no_staging_file_when_no_record_failed_on_its_way_there(job, content, entity):
    _view, client = job
    assert staging_url(client, ended(client, content), entity) == ""


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("name", [TERMS, TERMS.upper(), TERMS_NAME, "PaymentTerms", " ", ""])
def test_an_entity_is_meant_by_label_name_or_collection_and_the_first_one_by_none(job, name):
    view, client = job
    names = {view.parts.catalogue.find(TERMS).collection, TERMS_NAME}
    assert "PaymentTerms" in names
    execution = ended(client, terms())
    assert staging_url(client, execution, name) != ""


@pytest.mark.evidence("client")
def test_the_entity_may_be_left_out_of_the_call_altogether(job):
    _view, client = job
    execution = ended(client, terms())
    assert client.value("GetImportStagingErrorFileUrl", executionId=execution)
    execution = ended(client, package(BLANK))
    assert client.value("GenerateImportTargetErrorKeysFile", executionId=execution) is True
    assert client.value("GetImportTargetErrorKeysFileUrl", executionId=execution)


@pytest.mark.evidence("inferred")
def test_thousands_of_failed_records_are_all_in_the_staging_file_in_order(job):
    _view, client = job
    rows = [(f"N{number}", "", "x" if number % 3 else "7") for number in range(9_000)]
    failed = client.get(staging_url(client, ended(client, terms(rows, "CSV"))))
    names = [line.split(b",")[0].decode() for line in failed.splitlines()[1:]]
    assert names == [name for name, _text, days in rows if days == "x"]


# Staging to target


@pytest.mark.evidence("inferred")
def test_the_keys_file_has_the_keys_of_failed_records_and_nothing_else(job):
    view, client = job
    view.on(action="ImportFromPackage").row_error(
        entity=GROUPS, row=2, stage="target", message="Not today"
    )
    execution = ended(client, package())
    assert keys_url(client, execution) == ""
    assert generate(client, execution) is True
    url = keys_url(client, execution)
    assert url.partition("?")[0].endswith(".txt")
    assert client.get(url) == b"\xef\xbb\xbfCUSTOMERGROUPID\r\n20\r\n"
    assert staging_url(client, execution, GROUPS) == ""


@pytest.mark.evidence("documented")
def test_without_failed_records_the_answer_is_false_and_there_is_never_a_url(job):
    _view, client = job
    execution = ended(client, package())
    assert generate(client, execution) is False
    assert [keys_url(client, execution) for _ in range(3)] == ["", "", ""]
    assert generate(client, execution, "Moon phases") is False


@pytest.mark.evidence("client")
def test_a_client_that_asks_until_there_is_a_url_comes_to_an_end(open_job):
    _view, client = open_job({"errorKeysAfter": 2})
    execution = ended(client, package(BLANK))
    for _ in range(2):  # asking for the file again makes it wait again
        assert generate(client, execution) is True
        urls = [keys_url(client, execution) for _ in range(4)]
        assert [bool(url) for url in urls] == [False, False, True, True]


@pytest.mark.evidence("inferred")
def test_an_entity_that_skips_staging_has_both_files_all_the_same(job):
    _view, client = job
    execution = ended(client, skipping(package(BLANK)))
    assert generate(client, execution) is True
    assert client.get(keys_url(client, execution)) == b'\xef\xbb\xbfCUSTOMERGROUPID\r\n""\r\n'
    execution = ended(client, skipping(terms()))
    assert client.get(staging_url(client, execution)).startswith(b"\xff\xfeN\x00A\x00")


# The end of files


@pytest.mark.evidence("documented")
def test_error_files_end_with_the_days_that_files_are_kept(job):
    view, client = job
    execution = ended(client, terms())
    view.clock.freeze()
    url = staging_url(client, execution)
    assert client.get(url)
    view.clock.advance("7d")
    client._token = None  # its hour is over
    assert staging_url(client, execution) == ""
    with pytest.raises(Refused):
        client.get(url)


@pytest.mark.evidence("inferred")
def test_error_files_go_with_their_execution_and_do_not_come_back_with_its_id(open_job):
    view, client = open_job({"usedExecutionId": "rerun"})
    url = staging_url(client, ended(client, terms(), executionId="again"))
    assert client.get(url)
    good = (("N10", "Net 10", "10"),)
    again = ended(client, terms(good), executionId="again")
    assert view.executions[again].state == "Succeeded"
    assert staging_url(client, again) == ""
    with pytest.raises(Refused):
        client.get(url)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "action",
    [
        "GetImportStagingErrorFileUrl",
        "GenerateImportTargetErrorKeysFile",
        "GetImportTargetErrorKeysFileUrl",
    ],
)
def test_an_execution_that_never_was_is_refused(job, action):
    _view, client = job
    answer = client.answer(action, executionId="never", entityName=GROUPS)
    assert answer.status_code == 400
    assert "Execution details were not found for execution id: never" in answer.text


@pytest.mark.evidence("inferred")
def test_an_export_has_no_error_files(job):
    _view, client = job
    execution = client.export()
    client.poll(execution)
    assert staging_url(client, execution, GROUPS) == ""
    assert generate(client, execution) is False
