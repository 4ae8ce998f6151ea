"""What ImportFromPackage checks before it answers, and what it learns."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

import pytest

import builders
from builders import CUSTOMER_GROUPS, Table
from d365fo_emulator.dmf.checks import check_package, known_entity, learn
from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.catalogue import Catalogue
from d365fo_emulator.entities.indexed import IndexedEntities, Names
from d365fo_emulator.kernel.clock import Clock, ClockMode
from d365fo_emulator.kernel.ids import Ids
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.kernel.workspace import Workspace, WorkspaceId
from d365fo_emulator.odata.errors import ActionFailed
from d365fo_emulator.packages.model import PackageEntity
from written_packages import written

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "packages"
BUILTIN = BuiltinCatalogue()
MOONS = Table("Moon phases", ("PHASE", "DAYS"), (("waning", "7"),), "MoonPhaseEntity")
MORE = dataclasses.replace(
    CUSTOMER_GROUPS, columns=("CUSTOMERGROUPID", "COLOUR"), rows=(("10", "red"),)
)


class Learnt:
    """Learnt entities, kept in a dictionary."""

    def __init__(self):
        self.kept = {}

    def load(self):
        return list(self.kept.items())

    def save(self, name, document):
        self.kept[name] = document

    def clear(self):
        self.kept.clear()


@pytest.fixture
def learnt():
    return Learnt()


@pytest.fixture
def catalogue(learnt):
    return Catalogue(BUILTIN, learnt)


@pytest.fixture
def check(tmp_path, catalogue):
    """Checks the bytes of a package under some settings."""

    def run(content, **settings):
        path = tmp_path / "package.zip"
        path.write_bytes(content)
        workspace = Workspace(
            id=WorkspaceId("w"),
            seed=0,
            clock=Clock(ClockMode.VIRTUAL),
            ids=Ids(0, "w"),
            folder=tmp_path,
            storage_account="a",
            storage_key="",
            settings=Settings(**settings),
        )
        return check_package(path, workspace, catalogue)

    return run


def refusal(check, content, **settings):
    with pytest.raises(ActionFailed) as caught:
        check(content, **settings)
    return caught.value


# Which entity is meant


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("label", "target", "meant"),
    [
        ("Customer groups", "CustCustomerGroupEntity", "CustCustomerGroupEntity"),
        ("customer GROUPS", "", "CustCustomerGroupEntity"),
        ("CustCustomerGroupEntity", "", "CustCustomerGroupEntity"),
        ("Kundengruppen", "CustCustomerGroupEntity", "CustCustomerGroupEntity"),
        ("Customer groups", "custcustomerv3entity", "CustCustomerV3Entity"),
        ("Customer groups", "NoSuchEntity", "CustCustomerGroupEntity"),
    ],
)
def test_the_aot_name_is_preferred_to_the_label(catalogue, label, target, meant):
    plan = PackageEntity(label, "f.csv", "CSV", (), target_entity=target)
    assert known_entity(catalogue, plan).name == meant


@pytest.mark.evidence("inferred")
def test_neither_name_known_is_no_entity(catalogue):
    assert known_entity(catalogue, PackageEntity("Moons", "f.csv", "CSV", (), "Moon")) is None


# What a good package tells


@pytest.mark.evidence("inferred")
def test_a_package_of_known_entities_is_taken_and_nothing_is_learnt(check, catalogue, learnt):
    checked = check(builders.package())
    assert [one.label for one in checked.manifest.entities] == ["Customer groups"]
    assert (checked.unknown, checked.has_data) == ((), True)
    assert learn(catalogue, checked.manifest) == []
    assert learnt.kept == {}


@pytest.mark.evidence("client")
@pytest.mark.parametrize(("missing", "has_data"), [((), True), (("Customer groups.csv",), False)])
def test_whether_any_entity_has_its_file_is_told(check, missing, has_data):
    assert check(builders.package(without=missing)).has_data is has_data


# Learning


@pytest.mark.evidence("inferred")
def test_checking_alone_learns_nothing(check, catalogue, learnt):
    assert [one.label for one in check(builders.package(MOONS)).unknown] == ["Moon phases"]
    assert catalogue.find("Moon phases") is None
    assert learnt.kept == {}


@pytest.mark.evidence("inferred")
def test_an_unknown_entity_is_learnt_once_with_its_columns(check, catalogue):
    manifest = check(builders.package(MOONS)).manifest
    assert learn(catalogue, manifest) == [
        "the entity Moon phases was unknown and was learnt from the package"
    ]
    entity = catalogue.find("MoonPhaseEntity")
    assert [field.staging_name for field in entity.fields] == ["PHASE", "DAYS"]
    assert learn(catalogue, manifest) == []


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("setting", ["learn", "refuse"])
def test_unknown_fields_of_a_known_entity_are_learnt_whatever_the_setting(
    check, catalogue, setting
):
    manifest = check(builders.package(MORE), unknown_entities=setting).manifest
    assert learn(catalogue, manifest) == [
        "fields of Customer groups were unknown and were learnt from the package"
    ]
    assert catalogue.find("Customer groups").find_field("COLOUR") is not None
    assert learn(catalogue, manifest) == []


@pytest.mark.evidence("inferred")
def test_disabled_entities_are_neither_checked_nor_learnt(check, catalogue):
    content = builders.package(MOONS)
    manifest = builders.manifest([MOONS], "p").replace(
        "<Disable>false</Disable>", "<Disable>true</Disable>"
    )
    checked = check(replaced(content, "Manifest.xml", manifest), unknown_entities="refuse")
    assert (checked.unknown, checked.has_data) == ((), False)
    assert learn(catalogue, checked.manifest) == []


def replaced(package, name, text):
    """The package with this text as a file's content."""

    source, target = zipfile.ZipFile(io.BytesIO(package)), io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for each in source.namelist():
            archive.writestr(each, text if each == name else source.read(each))
    return target.getvalue()


# Refusals


@pytest.mark.evidence("client")
def test_with_the_setting_an_unknown_entity_is_refused_and_the_nearest_are_named(check, catalogue):
    typo = dataclasses.replace(CUSTOMER_GROUPS, entity="Custmer groups", target_entity="")
    refused = refusal(check, builders.package(typo), unknown_entities="refuse")
    assert refused.text == "Entity Custmer groups does not exist in the target environment"
    assert "Customer groups" in refused.reason
    assert catalogue.find("Custmer groups") is None


@pytest.mark.evidence("client")
def test_csv_unicode_with_lf_alone_is_a_wrong_mapping_of_its_entity(check):
    refused = refusal(check, (FIXTURES / "broken-lf-only.zip").read_bytes())
    assert refused.text.startswith(
        "the mapping is incorrect for entity Customer groups and field {"
    )
    assert "CRLF" in refused.reason


@pytest.mark.evidence("inferred")
def test_only_csv_unicode_is_read_so_strictly(check):
    content = replaced(builders.package(), "Customer groups.csv", "CUSTOMERGROUPID\n10\n20\n")
    assert check(content).has_data
    crlf = written("Customer groups", "CustCustomerGroupEntity", ["CUSTOMERGROUPID"], [["10"]],
                   "CSV-Unicode")  # fmt: skip
    assert check(crlf).has_data


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "name",
    ["wrong-encoding", "header-mismatch", "missing-file", "no-maps", "ragged-row"],
)
def test_what_the_service_notices_only_at_work_is_taken(check, name):
    check((FIXTURES / f"broken-{name}.zip").read_bytes())


@pytest.mark.evidence("recorded")
@pytest.mark.parametrize(
    ("content", "missing"),
    [
        (builders.package(without=("PackageHeader.xml",)), "PackageHeader.xml"),
        (builders.package(without=("Manifest.xml",)), "Manifest.xml"),
        (builders.package(folder="package/"), "PackageHeader.xml"),
        (b"no package", "PackageHeader.xml"),
        (b"", "PackageHeader.xml"),
    ],
    ids=["no header", "no manifest", "in a folder", "no zip", "empty"],
)
def test_a_missing_control_file_is_named_with_the_recorded_path(check, content, missing):
    text = refusal(check, content).text
    assert text.startswith("Could not find file 'C:\\windows\\TEMP\\")
    assert text.endswith(f"\\{missing}'.")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "name", ["manifest-not-xml", "manifest-with-dtd", "dotdot-names", "doubled-names", "encrypted"]
)
def test_broken_packages_are_refused_with_a_reason(check, name):
    assert refusal(check, (FIXTURES / f"broken-{name}.zip").read_bytes()).text


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("target", ["", "CustGroupEntity"])
def test_where_entities_share_a_label_the_one_taken_is_told_unless_the_manifest_names_it(
    check, catalogue, target
):
    groups = catalogue.find("Customer groups")
    own = dataclasses.replace(groups, name="CustGroupEntity", collection="CustGroups")
    names = [Names(own.label, own.name, own.collection, own.name)]
    catalogue.add_source(IndexedEntities(names, lambda _place: own))
    table = dataclasses.replace(CUSTOMER_GROUPS, target_entity=target)
    manifest = check(builders.package(table)).manifest
    taken = (
        "Customer groups is the label of 2 entities: CustCustomerGroupEntity was taken, not"
        " CustGroupEntity; TargetEntity in the manifest says which is meant"
    )
    assert learn(catalogue, manifest) == ([] if target else [taken])
    assert known_entity(catalogue, manifest.entities[0]).name == (target or groups.name)
