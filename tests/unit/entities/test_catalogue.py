"""What a workspace knows of entities: finding, adding, learning, and what stays known."""

import dataclasses
import threading

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.catalogue import Catalogue
from d365fo_emulator.entities.errors import TooManyFields
from d365fo_emulator.entities.indexed import IndexedEntities, Names
from d365fo_emulator.entities.model import MOST_FIELDS, EntityType, Field, FieldType, Origin
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.learnt import SqliteLearntStore
from d365fo_emulator.storage.schema import CONTROL, CONTROL_VERSION

pytestmark = pytest.mark.evidence("inferred")

BUILTIN = BuiltinCatalogue()
CARD = Field("CardId", "CARDID", FieldType.STRING, "Card", origin=Origin.ENVIRONMENT)
CARDS = EntityType(
    label="Contoso cards",
    name="ContosoCardEntity",
    collection="ContosoCards",
    staging="ContosoCardStaging",
    per_company=True,
    keys=("CardId",),
    fields=(CARD,),
    origin=Origin.ENVIRONMENT,
)


@pytest.fixture
def open_catalogue(tmp_path):
    """Opens the catalogue of a workspace by name; the same name again is a restart."""
    databases = []

    def open_one(workspace="first"):
        path = tmp_path / f"{workspace}.db"
        if not path.exists():
            build_file(path, CONTROL, CONTROL_VERSION)
        databases.append(Database(path, durable=False))
        return Catalogue(BUILTIN, SqliteLearntStore(databases[-1]))

    yield open_one
    for database in databases:
        database.close()


@pytest.fixture
def catalogue(open_catalogue):
    return open_catalogue()


@pytest.mark.parametrize(
    "name", ["Customers V3", "customers v3", "CustCustomerV3Entity", "CUSTOMERSV3"]
)
@pytest.mark.evidence("client")
def test_an_entity_is_found_by_label_type_name_or_collection(catalogue, name):
    assert catalogue.find(name).label == "Customers V3"


def test_an_unknown_name_finds_nothing_and_has_neighbours(catalogue):
    assert catalogue.find("Customer V3") is None
    assert catalogue.nearest("Customer V3")[0] == "Customers V3"
    assert catalogue.nearest("qqqqqq") == []


def test_all_entities_come_by_label(catalogue):
    catalogue.learn("A first one", "", ["X"])
    labels = [entity.label for entity in catalogue.all()]
    assert labels == sorted(labels, key=str.casefold)
    assert len(labels) == 80
    assert labels[0] == "A first one"


def test_an_entity_of_the_environment_is_found_and_stands_before_a_builtin_one(catalogue):
    catalogue.add(CARDS)
    assert catalogue.find("contosocards") == CARDS
    mine = EntityType(
        "Currencies", "CurrencyEntity", "Currencies", "CurrencyStaging", False, ("CardId",),
        (CARD,), origin=Origin.ENVIRONMENT,
    )  # fmt: skip
    catalogue.add(mine)
    assert catalogue.find("Currencies") == mine
    assert len(list(catalogue.all())) == 80


def test_an_unknown_entity_is_learnt_from_its_columns(catalogue):
    entity = catalogue.learn("Contoso loyalty cards", "", ["CARDID", "Points", "cardid", " ", ""])
    assert entity.name == "ContosoLoyaltyCardsEntity"
    assert entity.collection == "ContosoLoyaltyCards"
    assert entity.origin is Origin.LEARNT
    assert not entity.key_is_known
    assert entity.per_company
    assert entity.keys == ("CARDID", "Points")
    assert [(f.staging_name, f.type, f.size) for f in entity.fields] == [
        ("CARDID", FieldType.STRING, None),
        ("Points", FieldType.STRING, None),
    ]
    assert catalogue.find("contoso loyalty cards") == entity


@pytest.mark.evidence("recorded")
def test_the_manifests_target_entity_names_a_learnt_entity(catalogue):
    entity = catalogue.learn("Cities", "LogisticsAddressCityEntity", ["CITYKEY", "NAME"])
    assert entity.name == "LogisticsAddressCityEntity"
    assert catalogue.find("LogisticsAddressCityEntity") is entity


def test_a_column_that_names_the_company_makes_a_learnt_entity_shared(catalogue):
    assert not catalogue.learn("Cards", "", ["CARDID", "DataAreaId"]).per_company


def test_learning_what_is_known_adds_the_columns_that_it_lacks(catalogue):
    entity = catalogue.learn("Renamed groups", "CustCustomerGroupEntity", ["DESCRIPTION", "EXTRA"])
    assert entity.label == "Customer groups"
    assert entity.key_is_known
    assert entity.find_field("extra").origin is Origin.LEARNT
    assert entity.keys == ("CustomerGroupId",)
    assert catalogue.find("Customer groups") == entity


def test_columns_that_are_known_change_nothing(catalogue):
    entity = catalogue.find("Customer groups")
    assert catalogue.extend(entity, ["customergroupid", "Description"]) is entity


def test_new_columns_of_a_learnt_entity_join_its_key(catalogue):
    catalogue.learn("Cards", "", ["A"])
    entity = catalogue.learn("Cards", "", ["B", "A"])
    assert entity.keys == ("A", "B")


def test_two_entities_whose_labels_make_one_name_are_kept_apart(catalogue):
    first = catalogue.learn("Loyalty cards", "", ["A"])
    second = catalogue.learn("Loyalty/cards", "", ["B"])
    assert (first.name, second.name) == ("LoyaltyCardsEntity", "LoyaltyCardsEntity2")
    assert catalogue.find("Loyalty cards") == first
    assert catalogue.find("Loyalty/cards") == second


@pytest.mark.parametrize("label", ["地址", "//", "  "])
def test_a_label_without_latin_letters_can_be_learnt(catalogue, label):
    entity = catalogue.learn(label, "", ["A"])
    assert catalogue.find(label) == entity
    assert entity.name.endswith("Entity")


def test_learnt_things_are_known_after_a_restart(open_catalogue):
    before = open_catalogue()
    learnt = before.learn("Cards", "", ["A", "Straße"])
    extended = before.extend(before.find("Customer groups"), ["EXTRA"])
    before.extend(extended, ["MORE"])
    after = open_catalogue()
    assert after.find("Cards") == learnt
    assert after.find("Customer groups") == before.find("Customer groups")
    assert after.find("Customer groups").fields[-1].name == "MORE"


def test_a_field_learnt_for_an_entity_of_the_environment_is_known_after_a_restart(open_catalogue):
    before = open_catalogue()
    before.add(CARDS)
    before.extend(CARDS, ["EXTRA"])
    after = open_catalogue()
    assert after.find("Contoso cards") is None
    assert [f.name for f in after.add(CARDS).fields] == ["CardId", "EXTRA"]


def test_workspaces_do_not_learn_from_one_another(open_catalogue):
    first, second = open_catalogue("first"), open_catalogue("second")
    first.learn("Cards", "", ["A"])
    first.extend(first.find("Customer groups"), ["EXTRA"])
    assert second.find("Cards") is None
    assert second.find("Customer groups").find_field("EXTRA") is None


def test_forgetting_leaves_what_was_not_learnt(open_catalogue):
    catalogue = open_catalogue()
    catalogue.add(CARDS)
    catalogue.extend(CARDS, ["EXTRA"])
    catalogue.learn("Cards", "", ["A"])
    catalogue.extend(catalogue.find("Customer groups"), ["EXTRA"])
    catalogue.forget()
    assert catalogue.find("Cards") is None
    assert catalogue.find("Contoso cards") == CARDS
    assert catalogue.find("Customer groups").find_field("EXTRA") is None
    assert open_catalogue().find("Cards") is None


def test_more_columns_than_a_table_takes_are_refused(catalogue):
    columns = [f"C{number}" for number in range(MOST_FIELDS + 1)]
    with pytest.raises(TooManyFields, match="at most 1900"):
        catalogue.learn("Wide", "", columns)
    with pytest.raises(TooManyFields):
        catalogue.extend(catalogue.find("Customer groups"), columns)
    assert catalogue.find("Wide") is None
    assert catalogue.find("Customer groups").find_field("C0") is None


def test_threads_that_extend_one_entity_lose_no_column(catalogue):
    groups = catalogue.find("Customer groups")
    threads = [
        threading.Thread(target=catalogue.extend, args=(groups, [f"EXTRA{number}"]))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entity = catalogue.find("Customer groups")
    assert all(entity.find_field(f"EXTRA{number}") for number in range(8))
    assert len(entity.fields) == len(groups.fields) + 8


# Many entities, and several of one label


def many(*entities):
    """A source of these entities."""
    return IndexedEntities(
        (Names(one.label, one.name, one.collection, one.name) for one in entities),
        {one.name: one for one in entities}.__getitem__,
    )


def named(name, label="Legal entities", collection=""):
    return dataclasses.replace(CARDS, label=label, name=name, collection=collection or name)


def test_of_several_entities_of_one_label_the_builtin_one_counts(catalogue):
    catalogue.add_source(many(named("ALegalEntity"), named("CompanyInfoLegalEntity")))
    assert catalogue.find("legal entities").name == "OMLegalEntity"
    assert catalogue.namesakes("Legal entities") == [
        "OMLegalEntity",
        "ALegalEntity",
        "CompanyInfoLegalEntity",
    ]
    assert catalogue.find("COMPANYINFOLEGALENTITY").label == "Legal entities"


def test_of_labels_that_are_not_built_in_the_shortest_name_counts(catalogue):
    catalogue.add_source(many(named("BbbbEntity", "Cards"), named("AaEntity", "Cards")))
    catalogue.add_source(many(named("AbEntity", "CARDS")))
    assert catalogue.namesakes("cards") == ["AaEntity", "AbEntity", "BbbbEntity"]


def test_a_single_definition_counts_before_all_others_of_its_label(catalogue):
    catalogue.add(named("VeryLongNameOfMineEntity"))
    catalogue.add_source(many(named("ALegalEntity")))
    assert catalogue.find("Legal entities").name == "VeryLongNameOfMineEntity"
    assert catalogue.namesakes("Customers V3") == ["CustCustomerV3Entity"]
    assert catalogue.namesakes("Nothing") == []


def test_learning_of_one_namesake_leaves_the_other_the_one_that_counts(open_catalogue):
    catalogue = open_catalogue()
    source = many(named("CompanyInfoLegalEntity"))
    catalogue.add_source(source)
    extended = catalogue.learn("Legal entities", "CompanyInfoLegalEntity", ["EXTRA"])
    assert extended.find_field("EXTRA")
    assert catalogue.find("Legal entities").name == "OMLegalEntity"
    again = open_catalogue()
    again.add_source(source)
    assert again.find("CompanyInfoLegalEntity").find_field("EXTRA")
    again.forget()
    assert again.find("CompanyInfoLegalEntity").find_field("EXTRA") is None


def test_an_entity_of_a_source_stands_for_the_builtin_one_of_its_name(catalogue):
    mine = named("CustCustomerGroupEntity", "Customer groups", "CustomerGroups")
    catalogue.add_source(many(mine))
    for name in ("Customer groups", "CustCustomerGroupEntity", "CustomerGroups"):
        assert catalogue.find(name) is mine
    labels = [entity.label for entity in catalogue.all()]
    assert labels.count("Customer groups") == 1
    assert len(labels) == 79


def test_only_the_entity_asked_for_is_read_of_ten_thousand(catalogue):
    read = []

    def reader(place):
        read.append(place)
        return named(place, f"Label {place}")

    names = [f"Own{number}Entity" for number in range(10_000)]
    catalogue.add_source(IndexedEntities((Names(f"Label {n}", n, n, n) for n in names), reader))
    assert catalogue.find("Customer groups").name == "CustCustomerGroupEntity"
    assert catalogue.nearest("Label Own4711Entiti")[0] == "Label Own4711Entity"
    assert len(catalogue.names()) == 10_079
    assert read == []
    assert catalogue.find("label own4711entity").name == "Own4711Entity"
    assert read == ["Own4711Entity"]
