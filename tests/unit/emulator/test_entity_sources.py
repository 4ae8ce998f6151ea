"""Entities of the environment file's sources: read once, cached, and used in the main job."""

import json

import pytest

from d365fo_emulator import Emulator
from d365fo_emulator.emulator import entity_sources
from d365fo_emulator.emulator.entity_sources import EntitySources
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.kernel.errors import ConfigurationError
from job_tools import Client
from metadata_tools import metadata
from written_packages import written

pytestmark = pytest.mark.evidence("inferred")

LIST = "label,aot name,collection\nFabrikam loyalty cards,FabLoyaltyCardEntity,LoyaltyCards\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """The user's cache folder, of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path):
    (tmp_path / "metadata.xml").write_bytes(metadata())
    (tmp_path / "list.csv").write_text(LIST)
    return tmp_path


@pytest.fixture
def count_readings(monkeypatch):
    calls = []
    real = entity_sources.entities_of_metadata

    def counting(*arguments):
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(entity_sources, "entities_of_metadata", counting)
    return calls


def sources(tmp_path):
    return EntitySources(BuiltinCatalogue(), tmp_path / "kept")


def test_an_entity_of_a_metadata_document_takes_rows_and_refuses_wrong_ones(files):
    entry = {"metadata": str(files / "metadata.xml"), "entityList": str(files / "list.csv")}
    with Emulator(environment={"version": 1, "entities": [entry]}) as emulator:
        client = Client(emulator.client_config() | {"resource": emulator.http_url},
                        emulator.http_url)  # fmt: skip
        columns = ["CARDNUMBER", "LEVEL", "POINTS"]
        rows = [["A1", "Gold", "5"], ["", "Basic", "1"]]
        package = written("Fabrikam loyalty cards", "FabLoyaltyCardEntity", columns, rows, "CSV")
        execution = client.import_package(package, definitionGroupId="cards")
        assert client.poll(execution)[-1] == "PartiallySucceeded"
        (row,) = emulator.rows("LoyaltyCards", company="USMF").values()
        assert (row["CardNumber"], row["Level"], row["Points"]) == ("A1", "Gold", 5)


def test_a_document_is_read_once_and_again_only_when_it_changed(files, count_readings):
    path = files / "metadata.xml"
    first = sources(files)
    assert first.metadata(path) is first.metadata(path)
    assert sources(files).metadata(path).find("LoyaltyCards").keys == ("CardNumber",)
    assert len(count_readings) == 1
    path.write_bytes(metadata().replace(b"LoyaltyCards", b"BonusCards"))
    assert first.metadata(path).find("BonusCards") is not None
    assert len(count_readings) == 2


def test_a_cache_that_cannot_be_written_costs_time_alone(files, count_readings):
    (files / "kept").write_text("no folder")
    for _ in range(2):
        assert sources(files).metadata(files / "metadata.xml").find("LoyaltyCards") is not None
    assert len(count_readings) == 2


def test_workspaces_share_what_was_read(files, count_readings):
    environment = {"version": 1, "entities": [{"metadata": str(files / "metadata.xml")}]}
    with Emulator(environment=environment) as emulator:
        other = emulator.create_workspace("other")
        for view in (emulator, other):
            assert view.parts.catalogue.find("Loyalty cards").name == "LoyaltyCardEntity"
    assert len(count_readings) == 1


def test_single_definitions_stand_before_files_whatever_their_order(files):
    own = {"name": "Mine", "type": "LoyaltyCardEntity", "collection": "Mines",
           "fields": [{"name": "A"}]}  # fmt: skip
    entries = [own, {"metadata": str(files / "metadata.xml")}]
    with Emulator(environment={"version": 1, "entities": entries}) as emulator:
        assert emulator.parts.catalogue.find("LoyaltyCardEntity").label == "Mine"


WRONG = {
    "a document that is no XML": ("metadata", "x.xml", b"nonsense", "x.xml, line 1, column 1"),
    "a document with a DOCTYPE": ("metadata", "x.xml", b"<!DOCTYPE a><a/>", "a DOCTYPE"),
    "a file of bad definitions": ("definitions", "x.jsonl", b"{", "x.jsonl, line 1: no JSON"),
    "no file at all": ("definitions", "x.jsonl", None, "there is no such file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_emulator_does_not_start_with(case, tmp_path):
    key, name, content, said = WRONG[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    environment = {"version": 1, "entities": [{key: str(tmp_path / name)}]}
    with pytest.raises(ConfigurationError) as refused:
        Emulator(environment=environment).start()
    assert said in str(refused.value)


def test_the_cache_holds_definitions_that_can_be_read(files):
    sources(files).metadata(files / "metadata.xml")
    (cached,) = (files / "kept").iterdir()
    labels = [json.loads(line)["name"] for line in cached.read_text("utf-8").splitlines()]
    assert labels == ["Customer groups", "Loyalty cards"]


def test_the_emulators_own_metadata_is_read_like_a_real_one(files):
    with Emulator() as emulator:
        client = Client(emulator.client_config() | {"resource": emulator.http_url},
                        emulator.http_url)  # fmt: skip
        headers = {"Authorization": f"Bearer {client.token}"}
        answer = client.session.get(f"{emulator.http_url}/data/$metadata", headers=headers)
    (files / "metadata.xml").write_bytes(answer.content)
    own = sources(files).metadata(files / "metadata.xml")
    groups = own.find("DataManagementDefinitionGroups")
    assert (groups.keys, groups.per_company) == (("Name",), False)
    assert groups.find_field("OperationType").enum[:2] == ("Import", "Export")
