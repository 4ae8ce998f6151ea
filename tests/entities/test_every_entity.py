"""Every entity of the catalogue through the main job: in, out, in again, and what it refuses."""

from __future__ import annotations

import pytest

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.model import FieldType
from job_tools import Client
from written_packages import table, written

ENTITIES = {entity.name: entity for entity in BuiltinCatalogue().all()}
FORMATS = ("CSV", "CSV-Unicode", "XML-Element", "EXCEL")
OF_ALL_TYPES = (
    "CustCustomerV3Entity",
    "EcoResReleasedProductV2Entity",
    "ExchangeRateEntity",
    "FiscalPeriodEntity",
    "HcmEmploymentEntity",
    "SalesOrderLineV2Entity",
)
NO_GUID = "{00000000-0000-0000-0000-000000000000}"
ZEROS = {FieldType.INT: 0, FieldType.INT64: 0, FieldType.REAL: 0.0, FieldType.TIME: 0}
NEVER_BLANK = {FieldType.ENUM, FieldType.NOYES, FieldType.TIME}
COMPANY = "USMF"

every_entity = pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)


class Job:
    """The main job in a workspace of one test, which has an export project per format."""

    def __init__(self, view, entity):
        self.view = view
        self.entity = entity
        config = view.client_config()
        self.client = Client(config | {"resource": view.http_url}, view.http_url)
        self.columns = [field.staging_name for field in entity.fields]

    def load(self, package):
        """Imports; the execution as the fixture shows it."""
        execution = self.client.import_package(package, definitionGroupId=self.entity.label)
        self.client.poll(execution)
        return self.view.executions[execution]

    def load_rows(self, rows, source_format="CSV"):
        entity = self.entity
        return self.load(written(entity.label, entity.name, self.columns, rows, source_format))

    def export(self, source_format="CSV"):
        execution = self.client.export(definitionGroupId=source_format, packageName="check")
        assert self.client.poll(execution)[-1] == "Succeeded"
        return self.client.exported(execution)

    def stored(self):
        """All rows as typed values in the order of the catalogue's fields."""
        company = COMPANY if self.entity.per_company else None
        rows = self.view.rows(self.entity.label, company=company)
        names = [field.name for field in self.entity.fields]
        return [tuple(row[name] for name in names) for row in rows.values()]

    def told(self, execution):
        """What GetExecutionErrors says: record id, field, message."""
        return sorted(
            (int(item["RecordId"]), item["Field"], item["ErrorMessage"])
            for item in self.client.errors(execution.id)
        )


@pytest.fixture
def job_of(request, d365fo_server):
    """Makes the job of an entity, in a workspace that nobody else has."""
    names = []

    def make(entity):
        name = f"{request.node.nodeid} {len(names)}"
        names.append(name)
        projects = [
            {
                "name": source_format,
                "operation": "Export",
                "entities": [{"entity": entity.name, "format": source_format}],
            }
            for source_format in FORMATS
        ]
        environment = {"version": 1, "dataProjects": projects}
        return Job(d365fo_server.create_workspace(name, environment=environment), entity)

    yield make
    for name in names:
        d365fo_server.drop_workspace(name)


# Values, from the field table


def given(field, number):
    """A text of a file for this field, another one for each `number` below ten."""
    match field.type:
        case FieldType.STRING:
            return f'{number}é,"{field.staging_name}'[: field.size]
        case FieldType.INT:
            return str(number + 10)
        case FieldType.INT64:
            return str(number + 5637144576)
        case FieldType.REAL:
            return f"{number}.25"
        case FieldType.DATE:
            return f"2024-02-0{number}"
        case FieldType.DATETIME:
            return f"2024-02-01 13:14:0{number}"
        case FieldType.TIME:
            return f"01:02:0{number}"
        case FieldType.NOYES:
            return ("No", "Yes")[number % 2]
        case FieldType.ENUM:
            return field.enum[number % len(field.enum)] if field.enum else "Symbol"
        case FieldType.GUID:
            return f"{{0000000{number}-ABCD-0000-0000-000000000000}}"


def stored(field, text):
    """The value that such a text, or a blank one, becomes."""
    if text == "":
        return _blank(field)
    match field.type:
        case FieldType.INT | FieldType.INT64:
            return int(text)
        case FieldType.REAL:
            return float(text)
        case FieldType.TIME:
            return 3720 + int(text[-1])
        case _:
            return text


def _blank(field):
    match field.type:
        case FieldType.DATE:
            return "1900-01-01"
        case FieldType.DATETIME:
            return "1900-01-01 00:00:00"
        case FieldType.NOYES:
            return "No"
        case FieldType.ENUM:
            return field.enum[0] if field.enum and field.enum_complete else ""
        case FieldType.GUID:
            return NO_GUID
        case _:
            return ZEROS.get(field.type, "")


def exported(field, text):
    """How the value of such a text stands in an exported file."""
    value = stored(field, text)
    match field.type:
        case FieldType.DATE:
            return f"{value} 00:00:00"
        case FieldType.TIME:
            return text or "00:00:00"
        case FieldType.REAL:
            whole, fraction = f"{value:.{field.decimals}f}".split(".")
            return f"{'' if whole == '0' else whole}.{fraction}"
        case _:
            return str(value)


def needed(entity):
    """Fields that no row may leave blank."""
    only_key = entity.keys[0] if len(entity.keys) == 1 else None
    return [
        field
        for field in entity.fields
        if (field.mandatory or field.name == only_key)
        and field.type not in NEVER_BLANK
        and not field.auto_number  # a blank one takes the next number of a sequence
    ]


def good_rows(entity):
    """Two full rows, and one that has nothing but its key and what is mandatory."""
    kept = {field.name for field in needed(entity)} | set(entity.keys)
    full = [[given(field, number) for field in entity.fields] for number in (1, 2)]
    return [*full, [given(f, 3) if f.name in kept else "" for f in entity.fields]]


def row_with(entity, number, field, text):
    """A good row but for one field."""
    return [text if one is field else given(one, number) for one in entity.fields]


def typed(entity, rows):
    return sorted(
        tuple(stored(field, text) for field, text in zip(entity.fields, row, strict=True))
        for row in rows
    )


def importable(entity, rows):
    """Rows without the fields that exports have and that their maps leave out (recorded)."""
    taken = [at for at, field in enumerate(entity.fields) if not field.read_only]
    return [tuple(row[at] for at in taken) for row in rows]


def counts(execution):
    (entity,) = execution.entities
    return tuple(
        entity[name]
        for name in (
            "sourceRecords",
            "targetRecordsCreated",
            "targetRecordsUpdated",
            "targetRecordsInError",
        )
    )


def shown(errors):
    """Messages as the service wraps them."""
    return sorted((row, field, f"\n {message}\r\n") for row, field, message in errors)


def documented(execution):
    return sorted((int(e["recordId"]), e["field"], e["message"]) for e in execution.errors)


# In, out, in again


@every_entity
@pytest.mark.evidence("inferred")
def test_rows_come_out_as_they_went_in_and_count_as_updated_when_they_come_back(entity, job_of):
    job, rows = job_of(entity), good_rows(entity)
    first = job.load_rows(rows)
    assert (first.state, first.errors) == ("Succeeded", [])
    assert counts(first) == (3, 3, 0, 0)
    assert sorted(job.stored()) == typed(entity, rows)

    package = job.export()
    header, lines = table(package)
    assert header == [field.staging_name.upper() for field in entity.file_fields]
    place = {field.name: at for at, field in enumerate(entity.fields)}
    assert sorted(lines) == sorted(
        [exported(field, row[place[field.name]]) for field in entity.file_fields] for row in rows
    )

    again = job.load(package)
    assert (again.state, counts(again)) == ("Succeeded", (3, 0, 3, 0))
    assert sorted(job.stored()) == typed(entity, rows)


@pytest.mark.parametrize("source_format", FORMATS)
@pytest.mark.parametrize("name", OF_ALL_TYPES)
@pytest.mark.evidence("inferred")
def test_an_export_in_any_format_loses_neither_types_nor_empties(name, source_format, job_of):
    entity = ENTITIES[name]
    source, target, rows = job_of(entity), job_of(entity), good_rows(entity)
    source.load_rows(rows, source_format)
    package = source.export(source_format)
    assert counts(target.load(package)) == (3, 3, 0, 0)
    assert importable(entity, target.stored()) == importable(entity, source.stored())
    assert sorted(importable(entity, target.stored())) == importable(entity, typed(entity, rows))
    if not any(field.read_only for field in entity.fields):
        assert table(target.export(source_format)) == table(package)


# What is refused


@every_entity
@pytest.mark.evidence("recorded", "inferred")
def test_each_mandatory_field_and_each_length_refuses_its_row_alone(entity, job_of):
    rows, errors = [row_with(entity, 1, None, "")], []
    for field in needed(entity):
        rows.append(row_with(entity, 2, field, ""))
        message = f"Field '{field.label}' must be filled in."
        errors.append((len(rows), field.staging_name, message))
    for field in entity.fields:
        if field.type is FieldType.STRING and field.size is not None:
            text = "x" * (field.size + 1)
            rows.append(row_with(entity, 3, field, text))
            value = text if len(text) <= 100 else text[:100] + "…"
            message = (
                f"DMF2018: The value '{value}' in field '{field.label}' is longer than"
                f" {field.size} characters."
            )
            errors.append((len(rows), field.staging_name, message))
    for number, row in enumerate(rows):  # keys that differ, where the field at fault is none
        _number_key(entity, row, number, {field for at, field, _ in errors if at == number + 1})
    job = job_of(entity)
    execution = job.load_rows(rows)
    assert documented(execution) == sorted(errors)
    assert job.told(execution) == shown(errors)
    assert counts(execution) == (len(rows), 1, 0, len(rows) - 1)
    assert execution.state == ("PartiallySucceeded" if errors else "Succeeded")
    assert len(job.stored()) == 1


def _number_key(entity, row, number, at_fault):
    for at, field in enumerate(entity.fields):
        if field.name not in entity.keys or field.staging_name in at_fault:
            continue
        if field.type is FieldType.STRING:
            row[at] = f"{number:02}"[: field.size]
        elif field.type in {FieldType.INT, FieldType.INT64, FieldType.REAL}:
            row[at] = str(number + 1)


@every_entity
@pytest.mark.evidence("documented", "inferred")
def test_a_symbol_that_its_enumeration_lacks_fails_the_whole_load(entity, job_of):
    rows, errors = [], []
    for field in entity.fields:
        closed = field.type is FieldType.ENUM and field.enum_complete and field.enum
        if closed or field.type is FieldType.NOYES:
            rows.append(row_with(entity, len(rows) % 9 + 1, field, "NoSuchSymbol"))
            enum = field.enum_name or ("NoYes" if field.type is FieldType.NOYES else field.name)
            message = (
                f"DMF021: The value 'NoSuchSymbol' in field '{field.label}' is none of its"
                f" enumeration '{enum}'."
            )
            errors.append((len(rows), field.staging_name, message))
    job = job_of(entity)
    if not rows:
        pytest.skip("it has no enumeration that is known in full")
    execution = job.load_rows([*rows, row_with(entity, 9, None, "")])
    _assert_nothing_loaded(job, execution, errors)


@every_entity
@pytest.mark.evidence("documented", "inferred")
def test_a_key_that_comes_twice_fails_the_whole_load(entity, job_of):
    job = job_of(entity)
    execution = job.load_rows([row_with(entity, number, None, "") for number in (1, 2, 1)])
    message = f"DMF1959: PrimaryKeyViolation: two rows of {entity.label} have the same key."
    _assert_nothing_loaded(job, execution, [(3, entity.key_fields[0].staging_name, message)])


def _assert_nothing_loaded(job, execution, errors):
    errors = [*errors, (0, "", f"'0' '{job.entity.label}' record(s) inserted in staging.")]
    assert documented(execution) == sorted(errors)
    assert job.told(execution) == shown(errors)
    (entity,) = execution.entities
    assert (entity["stagingStatus"], entity["targetStatus"]) == ("Error", "NotRun")
    assert entity["stagingRecordsCreated"] == 0
    assert execution.state == "Failed"
    assert job.stored() == []
