"""What the target step refuses, row by row, in which words."""

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.catalogue import Catalogue
from d365fo_emulator.entities.model import EntityType, Field, FieldType
from d365fo_emulator.entities.store import RowError, Stage
from d365fo_emulator.entities.validation import TargetChecks, must_be_filled, validate_target
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.kernel.workspace import ExecutionId
from d365fo_emulator.storage.database import Database, build_file
from d365fo_emulator.storage.entities import SqliteRowStore
from d365fo_emulator.storage.schema import DATA, DATA_VERSION

BUILTIN = BuiltinCatalogue()
RUN = ExecutionId("run-1")
COMPANIES = ("USMF", "DEMF", "GBSI")
NOT_FOUND = (
    "The value 'Local' in field 'Customer group' is not found in the related table"
    " 'Customer groups'.\r\n"
    "validateField failed on field 'CustCustomerV3Entity.CustomerGroupId'."
)


class NothingLearnt:
    """A learnt store that holds nothing, and keeps nothing."""

    def load(self):
        return []

    def save(self, name, document):
        pass

    def clear(self):
        raise AssertionError


@pytest.fixture
def catalogue():
    return Catalogue(BUILTIN, NothingLearnt())


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "data.db"
    build_file(path, DATA, DATA_VERSION)
    database = Database(path, durable=False)
    yield SqliteRowStore(database)
    database.close()


@pytest.fixture
def check(catalogue, rows):
    """Stages rows of an entity and gives the errors of its target checks."""

    def run(entity_name, names, staged, references="lenient", company="USMF", validates=True):
        entity = catalogue.find(entity_name)
        fields = [entity.find_field(name) for name in names]
        rows.prepare(entity)
        rows.stage(RUN, entity, fields, 1, list(zip(*staged, strict=True)), [])
        settings = Settings(references=references)
        checks = TargetChecks(
            entity, catalogue, rows, settings, company, COMPANIES, validates=validates
        )
        return [error for batch in validate_target(checks, rows, RUN, fields) for error in batch]

    return run


@pytest.fixture
def put(catalogue, rows):
    def run(entity_name, company="USMF", **values):
        entity = catalogue.find(entity_name)
        fields = [entity.find_field(name) for name in values]
        rows.put(entity, fields, company, [tuple(values.values())])

    return run


@pytest.mark.evidence("recorded")
def test_a_blank_mandatory_field_must_be_filled_in(check):
    errors = check(
        "Customers V3",
        ["CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE"],
        [("US-001", "10", "USD"), ("US-002", "", "USD")],
    )
    message = "Field 'Customer group' must be filled in."
    assert errors == [RowError(2, Stage.TARGET, "CUSTOMERGROUPID", message)]


@pytest.mark.evidence("recorded")
def test_a_value_that_the_related_table_lacks_is_named_with_that_table(check, put):
    put("Customer groups", CUSTOMERGROUPID="10")
    errors = check(
        "Customers V3",
        ["CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE"],
        [("US-001", "10", "USD"), ("US-002", "Local", "USD"), ("US-003", "Local", "USD")],
    )
    assert errors == [
        RowError(2, Stage.TARGET, "CUSTOMERGROUPID", NOT_FOUND),
        RowError(3, Stage.TARGET, "CUSTOMERGROUPID", NOT_FOUND),
    ]


@pytest.mark.evidence("inferred")
def test_every_failing_field_of_a_row_is_reported(check, put):
    put("Customer groups", CUSTOMERGROUPID="10")
    errors = check(
        "Customers V3",
        ["CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE"],
        [("", "Local", "")],
    )
    assert {error.field for error in errors} == {
        "CUSTOMERACCOUNT",
        "CUSTOMERGROUPID",
        "SALESCURRENCYCODE",
    }


CUSTOMER = ["CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE"]


@pytest.mark.evidence("inferred")
def test_lenient_references_are_not_checked_against_an_empty_table(check):
    assert check("Customers V3", CUSTOMER, [("US-001", "Local", "USD")]) == []


@pytest.mark.evidence("inferred")
def test_strict_references_are_checked_against_an_empty_table_too(check):
    errors = check("Customers V3", CUSTOMER, [("US-001", "Local", "USD")], references="strict")
    assert [error.field for error in errors] == ["CUSTOMERGROUPID", "SALESCURRENCYCODE"]


@pytest.mark.evidence("inferred")
def test_related_rows_of_another_company_do_not_count(check, put):
    put("Customer groups", CUSTOMERGROUPID="10")
    put("Customer groups", company="DEMF", CUSTOMERGROUPID="Local")
    errors = check("Customers V3", CUSTOMER, [("US-001", "Local", "USD")])
    assert [error.message for error in errors] == [NOT_FOUND]


@pytest.mark.evidence("inferred")
def test_related_rows_of_a_shared_entity_count_in_every_company(check, put):
    put("Currencies", company="DEMF", CURRENCYCODE="USD")
    staged = [("US-001", "10", "usd"), ("US-002", "10", "XYZ")]
    errors = check("Customers V3", CUSTOMER, staged)
    assert [(error.row, error.field) for error in errors] == [(2, "SALESCURRENCYCODE")]


@pytest.mark.evidence("inferred")
def test_a_blank_value_refers_to_nothing(check, put):
    put("Terms of payment", NAME="Net30")
    names = [*CUSTOMER, "PAYMENTTERMS"]
    assert check("Customers V3", names, [("US-001", "10", "USD", "")]) == []


@pytest.mark.evidence("inferred")
def test_a_reference_to_its_own_entity_is_not_checked(check, put):
    put("Customers V3", CUSTOMERACCOUNT="US-999")
    names = [*CUSTOMER, "INVOICEACCOUNT"]
    assert check("Customers V3", names, [("US-001", "10", "USD", "US-002")]) == []


@pytest.mark.evidence("inferred")
def test_a_mandatory_field_without_a_column_fails_new_rows_alone(check, put):
    put("Customers V3", CUSTOMERACCOUNT="us-001", CUSTOMERGROUPID="10", SALESCURRENCYCODE="USD")
    errors = check(
        "Customers V3", ["CUSTOMERACCOUNT", "CUSTOMERGROUPID"], [("US-001", "20"), ("US-002", "20")]
    )
    message = "Field 'Sales currency code' must be filled in."
    assert errors == [RowError(2, Stage.TARGET, "SALESCURRENCYCODE", message)]


@pytest.mark.evidence("inferred")
def test_a_blank_that_keeps_what_is_there_fails_new_rows_alone(check, put):
    put("Customers V3", CUSTOMERACCOUNT="US-001", CUSTOMERGROUPID="10", SALESCURRENCYCODE="USD")
    staged = [("US-001", None, "USD"), ("US-002", None, "USD"), ("US-003", "10", "USD")]
    errors = check("Customers V3", CUSTOMER, staged)
    message = "Field 'Customer group' must be filled in."
    assert errors == [RowError(2, Stage.TARGET, "CUSTOMERGROUPID", message)]


@pytest.mark.parametrize(
    ("entity", "names", "staged", "failing"),
    [
        ("Exchange rates", ["RATE"], [(0.0,), (1.5,)], [1]),
        ("Products V2", ["PRODUCTTYPE"], [("Item",)], []),
        ("Released product variants V2", ["PRODUCTSIZEID"], [("",)], []),
    ],
)
@pytest.mark.evidence("inferred")
def test_what_counts_as_blank_depends_on_the_type(check, entity, names, staged, failing):
    errors = check(entity, names, staged)
    assert [error.row for error in errors if error.field == names[0]] == failing


@pytest.mark.evidence("inferred")
def test_nothing_must_be_filled_in_of_a_learnt_entity():
    class Keeps(NothingLearnt):
        def save(self, name, document):
            pass

    entity = Catalogue(BUILTIN, Keeps()).learn("Cards", "", ["A", "B"])
    assert must_be_filled(entity) == ()


@pytest.mark.evidence("inferred")
def test_a_related_value_is_looked_up_once(catalogue, rows, put, monkeypatch):
    put("Customer groups", CUSTOMERGROUPID="10")
    asked = []
    exists = rows.exists
    monkeypatch.setattr(
        rows, "exists", lambda *question: asked.append(question[2]) or exists(*question)
    )
    entity = catalogue.find("Customers V3")
    checks = TargetChecks(entity, catalogue, rows, Settings(), "USMF", COMPANIES)
    fields = [entity.find_field("CUSTOMERGROUPID")]
    for first in (1, 4):
        checks.check(fields, range(first, first + 3), [["10", "10", "Local"]])
    assert asked == ["10", "Local"]


# Rows that name their company


@pytest.fixture
def customers(catalogue):
    return catalogue.extend(catalogue.find("Customers V3"), ["DATAAREAID"])


@pytest.mark.usefixtures("customers")
@pytest.mark.evidence("inferred")
def test_a_value_must_exist_in_the_company_that_the_row_names(check, put):
    put("Customer groups", company="USMF", CUSTOMERGROUPID="10")
    put("Customer groups", company="GBSI", CUSTOMERGROUPID="20")
    names = ["CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE", "DATAAREAID"]
    staged = [
        ("1", "10", "USD", ""),
        ("2", "20", "USD", "gbsi"),
        ("3", "10", "USD", "GBSI"),
        ("4", "20", "USD", "USMF"),
        ("5", "anything", "USD", "DEMF"),  # no groups there, so nothing is asked
    ]
    assert sorted(error.row for error in check("Customers V3", names, staged)) == [3, 4]


@pytest.mark.usefixtures("customers")
@pytest.mark.evidence("inferred")
def test_a_row_for_a_company_that_does_not_exist_fails_for_that_alone(check):
    names = ["CUSTOMERACCOUNT", "CUSTOMERGROUPID", "SALESCURRENCYCODE", "DATAAREAID"]
    staged = [("1", "10", "USD", "usmf"), ("2", "", "USD", "NOPE"), ("3", "10", "USD", None)]
    (error,) = check("Customers V3", names, staged)
    assert (error.row, error.stage, error.field) == (2, Stage.TARGET, "DATAAREAID")
    assert error.message == "The company 'NOPE' does not exist."


@pytest.mark.evidence("inferred")
def test_a_shared_entity_has_no_company_field(catalogue):
    currencies = catalogue.extend(catalogue.find("Currencies"), ["DataAreaId"])
    assert currencies.company_field is None
    assert catalogue.find("Customers V3").company_field is None


@pytest.mark.evidence("inferred")
def test_only_fields_with_a_check_are_read_again(catalogue, rows, customers):
    checks = TargetChecks(customers, catalogue, rows, Settings(), "USMF", COMPANIES)
    names = ["ORGANIZATIONNAME", "CUSTOMERACCOUNT", "DATAAREAID", "CREDITLIMIT", "SITEID"]
    fields = [customers.find_field(name) for name in names]
    checked = [field.staging_name for field in checks.checked(fields)]
    assert checked == ["CUSTOMERACCOUNT", "DATAAREAID", "SITEID"]


@pytest.fixture
def variants(catalogue):
    """An entity whose key has two parts, neither of them mandatory."""
    fields = tuple(Field(name, name.upper(), FieldType.STRING, name) for name in ("A", "B", "C"))
    return catalogue.add(
        EntityType("Variants", "Variant", "Variants", "", True, ("A", "B"), fields)
    )


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("names", "staged", "failing"),
    [
        ("AB", [("1", ""), ("", "2"), ("", ""), (None, "")], [3, 4]),
        ("A", [("1",), ("",)], [2]),
        ("C", [("x",), ("",)], [1, 2]),
    ],
)
def test_a_key_may_be_blank_in_parts_but_not_as_a_whole(check, variants, names, staged, failing):
    errors = check(variants.name, list(names), staged)
    assert errors == [
        RowError(row, Stage.TARGET, "A", "Field 'A' must be filled in.") for row in failing
    ]


@pytest.mark.evidence("documented", "inferred")
def test_without_business_validations_only_what_the_tables_need_is_checked(check, put):
    put("Customer groups", CustomerGroupId="10")
    names = ["CustomerAccount", "CustomerGroupId", "SalesCurrencyCode"]
    staged = [("C1", "Local", ""), ("", "10", "USD")]
    errors = check("Customers V3", names, staged, validates=False)
    assert [(error.row, error.field) for error in errors] == [(2, "CUSTOMERACCOUNT")]
