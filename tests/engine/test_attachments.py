"""Attachments: files of `Resources` that rows name, in through imports and out through exports."""

from __future__ import annotations

import io
import zipfile

import pytest

from d365fo_emulator.emulator.server import Emulator
from job_tools import EXPORT_GROUPS, GROUPS, Client
from written_packages import written

COLUMNS = ["CUSTOMERGROUPID", "DESCRIPTION"]
AOT = "CustCustomerGroupEntity"
ENVIRONMENT = {
    "version": 1,
    "settings": {"attachments": "keep"},
    "dataProjects": [
        {
            "name": EXPORT_GROUPS,
            "operation": "Export",
            "entities": [{"entity": GROUPS, "format": "CSV"}],
        }
    ],
}
LARGE = bytes(range(256)) * 4096


def package_with(rows, files, entity=GROUPS, name=AOT, columns=COLUMNS):
    target = io.BytesIO(written(entity, name, columns, rows))
    with zipfile.ZipFile(target, "a") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
    return target.getvalue()


def resources_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name: archive.read(name) for name in archive.namelist() if name.startswith("Resources")
        }


def exported(client, **changes):
    execution = client.export(**changes)
    assert client.poll(execution)[-1] == "Succeeded"
    return client.exported(execution)


def notes_of(view):
    return [note for one in view.executions[-1].entities for note in one["notes"]]


@pytest.fixture
def place(server, request):
    def make(**settings):
        environment = {**ENVIRONMENT, "settings": {"attachments": "keep", **settings}}
        view = server.create_workspace(environment=environment)
        request.addfinalizer(lambda: server.drop_workspace(view.id))
        client = Client(view.client_config(), base=server.http_url)
        request.addfinalizer(client.__exit__)
        return view, client

    return make


@pytest.mark.evidence("inferred")
def test_files_that_rows_name_go_in_come_out_and_go_in_again(place):
    view, client = place()
    files = {
        f"Resources/{AOT}/Terms.pdf": LARGE,
        f"resources\\{GROUPS}\\deep\\logo.png": b"\x89PNG",
    }
    rows = [["10", "terms.PDF"], ["20", " logo.png "], ["30", "other"]]
    package = package_with(rows, files)
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert "2 attachments were kept" in notes_of(view)
    expected = {f"Resources/{AOT}/Terms.pdf": LARGE, f"Resources/{AOT}/deep/logo.png": b"\x89PNG"}
    content = exported(client)
    assert resources_of(content) == expected
    assert "2 attachments were written" in notes_of(view)
    _other, client = place()
    assert client.poll(client.import_package(content))[-1] == "Succeeded"
    assert resources_of(exported(client)) == expected


@pytest.mark.evidence("inferred")
def test_only_files_that_written_rows_name_are_kept(place):
    view, client = place()
    rows = [["10", "a.pdf"], ["12345678901", "failed.pdf"]]
    files = {f"Resources/{AOT}/{name}.pdf": b"x" for name in ("a", "failed", "nobody")}
    execution = client.import_package(package_with(rows, files))
    assert client.poll(execution)[-1] == "PartiallySucceeded"
    assert notes_of(view) == [
        "1 attachments were kept",
        "failed.pdf: no row that was written names it, so it was not kept",
        "nobody.pdf: no row that was written names it, so it was not kept",
    ]
    assert [*resources_of(exported(client))] == [f"Resources/{AOT}/a.pdf"]


@pytest.mark.evidence("inferred")
def test_a_later_file_replaces_the_one_of_its_name_whatever_its_letter_case(place):
    view, client = place()
    for name, content in (("A.pdf", b"first"), ("a.PDF", b"second")):
        package = package_with([["10", "a.pdf"]], {f"Resources/{AOT}/{name}": content})
        assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert resources_of(exported(client)) == {f"Resources/{AOT}/a.PDF": b"second"}
    folder = view.parts.workspace.folder / "attachments"
    assert [path.read_bytes() for path in folder.iterdir()] == [b"second"]


@pytest.mark.evidence("inferred")
def test_attachments_belong_to_the_company_of_their_rows(place):
    _view, client = place()
    for company in ("USMF", "DEMF"):
        package = package_with([["10", "a"]], {f"Resources/{AOT}/a": company.encode()})
        execution = client.import_package(package, legalEntityId=company)
        assert client.poll(execution)[-1] == "Succeeded"
    found = [resources_of(exported(client, legalEntityId=one)) for one in ("USMF", "demf")]
    assert found == [{f"Resources/{AOT}/a": b"USMF"}, {f"Resources/{AOT}/a": b"DEMF"}]


@pytest.mark.evidence("inferred")
def test_an_export_has_the_files_of_its_own_rows_alone(place):
    view, client = place()
    rows = [["10", "a.pdf"], ["20", "b.pdf"]]
    files = {f"Resources/{AOT}/{name}.pdf": b"x" for name in "ab"}
    client.poll(client.import_package(package_with(rows, files)))
    preview = client.value(
        "ExportToPackagePreview",
        definitionGroupId=EXPORT_GROUPS,
        packageName="few",
        executionId="",
        reExecute=False,
        legalEntityId="USMF",
        exportPreviewCount=1,
    )
    client.poll(preview)
    assert [*resources_of(client.exported(preview))] == [f"Resources/{AOT}/a.pdf"]
    client.poll(client.import_package(written(GROUPS, AOT, COLUMNS, [["20", "nothing"]])))
    assert [*resources_of(exported(client))] == [f"Resources/{AOT}/a.pdf"]
    assert len(view.executions) == 4


@pytest.mark.evidence("documented")
def test_without_the_flight_attachments_are_ignored_and_the_document_says_so(place):
    view, client = place(attachments="ignore")
    package = package_with([["10", "a.pdf"]], {f"Resources/{AOT}/a.pdf": b"x"})
    assert client.poll(client.import_package(package))[-1] == "Succeeded"
    assert notes_of(view) == ["1 attachments were not kept: the setting attachments is ignore"]
    assert resources_of(exported(client)) == {}


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "name", ["nul", "CON.txt", "a:b", "what?.pdf", "ends.", "dir /x", "./x", "a//x", "a\x01b"]
)
def test_a_name_that_windows_cannot_have_is_not_kept(place, name):
    view, client = place()
    package = package_with([["10", name]], {f"Resources/{AOT}/{name}": b"x"})
    assert client.poll(client.import_package(package))[-1] in {"Succeeded", "PartiallySucceeded"}
    (note,) = notes_of(view)
    assert "Windows cannot have a file" in note
    assert resources_of(exported(client)) == {}
    assert not list((view.parts.workspace.folder / "attachments").iterdir())


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "members",
    [
        [f"Resources/{AOT}/../../x"],
        [f"/Resources/{AOT}/x"],
        [f"C:\\Resources\\{AOT}\\x"],
        [f"Resources/{AOT}/x", f"resources/{AOT}/X"],
    ],
)
def test_a_package_whose_names_are_hostile_is_refused_whole(place, members):
    view, client = place()
    package = package_with([["10", "x"]], dict.fromkeys(members, b"x"))
    answer = client.answer(
        "ImportFromPackage",
        packageUrl=client.upload(package),
        definitionGroupId="In",
        executionId="",
        execute=True,
        overwrite=True,
        legalEntityId="USMF",
    )
    assert answer.status_code == 400
    assert not view.executions


@pytest.mark.evidence("inferred")
def test_one_name_in_both_folders_of_an_entity_is_kept_once(place):
    view, client = place()
    files = {f"Resources/{AOT}/a": b"1", f"Resources/{GROUPS}/A": b"2"}
    client.poll(client.import_package(package_with([["10", "a"]], files)))
    assert notes_of(view) == [
        "1 attachments were kept",
        f"Resources/{GROUPS}/A: Resources/{AOT}/a has the name too: it was not kept",
    ]
    assert resources_of(exported(client)) == {f"Resources/{AOT}/a": b"1"}


@pytest.mark.evidence("inferred")
def test_nothing_is_kept_without_a_target_step(place):
    view, client = place()
    package = package_with([["10", "a"]], {f"Resources/{AOT}/a": b"1"})
    client.poll(client.import_package(package, execute=False))
    assert not list((view.parts.workspace.folder / "attachments").iterdir())


@pytest.mark.evidence("inferred")
def test_attachments_outlive_a_restart_with_the_rows_and_go_with_a_reset(tmp_path):
    package = package_with([["10", "a.pdf"]], {f"Resources/{AOT}/a.pdf": LARGE})
    options = {"data_dir": tmp_path, "environment": ENVIRONMENT}
    with Emulator(**options) as first, Client(first.client_config()) as client:
        assert client.poll(client.import_package(package))[-1] == "Succeeded"
        folder = first.workspace("default").parts.workspace.folder / "attachments"
        (folder / "left").write_bytes(b"of a process that was killed")
    with Emulator(**options) as second, Client(second.client_config()) as client:
        assert not (folder / "left").exists()
        assert resources_of(exported(client)) == {f"Resources/{AOT}/a.pdf": LARGE}
        second.workspaces.reset("default", ["data"])
        assert len(list(folder.iterdir())) == 1
        second.workspaces.reset("default")
        assert not list(folder.iterdir())


@pytest.mark.evidence("inferred")
def test_a_target_step_that_is_made_up_for_comes_too_late_for_attachments(place):
    """They went with the package; the rows are written all the same."""
    view, client = place()
    package = package_with([["10", "a"]], {f"Resources/{AOT}/a": b"1"})
    client.poll(client.import_package(package, execute=False))
    execution = view.executions.only()
    execution.rerun()
    assert client.poll(execution.id)[-1] == "Succeeded"
    assert "10" in view.rows(GROUPS, company="USMF")
    assert resources_of(exported(client)) == {}
