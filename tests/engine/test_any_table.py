"""Any table of any types, in by one format and out by another, is the same table."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.packages.formats.registry import FORMATS
from job_tools import Client
from written_packages import written

LINES = "Purchase order lines V2"
TYPED = {
    "name": "Typed",
    "type": "TypedEntity",
    "collection": "Typeds",
    "fields": [
        {"name": "Code", "size": 20},
        {"name": "Text", "size": 60},
        {"name": "Small", "type": "int"},
        {"name": "Large", "type": "int64"},
        {"name": "Rate", "type": "real", "decimals": 16},
        {"name": "Day", "type": "date"},
        {"name": "Moment", "type": "datetime"},
        {"name": "Clock", "type": "time"},
        {"name": "Mark", "type": "guid"},
        {"name": "Choice", "type": "enum", "enum": ["None", "One", "Two"], "enumComplete": True},
        {"name": "Is", "type": "noyes"},
    ],
}
NAMES = [one.name for one in FORMATS]
ENVIRONMENT = {
    "version": 1,
    "entities": [TYPED],
    "dataProjects": [
        {
            "name": f"{entity} {name}",
            "operation": "Export",
            "entities": [{"entity": entity, "format": name}],
        }
        for entity, name in itertools.product((LINES, "Typed"), NAMES)
    ],
}

# Letters that every code page and width holds, and that together are no UTF-8.
PLAIN = st.characters(codec="ascii", exclude_categories=["Cc"]) | st.sampled_from("äöÿÑ'\",;|:=")
WIDE = PLAIN | st.sampled_from("\u6f22\u05e9\U0001f600\u0301\u202e")
FIRST, LAST = dt.date(1900, 1, 1), dt.date(2154, 12, 31)


def texts(characters, size):
    """Without blanks at the ends, which a fixed width cannot keep."""
    most = min(size or 30, 30) // 2  # a letter beyond the basic plane may count twice
    return st.text(characters, max_size=most).map(str.strip)


def whole(bits):
    return st.integers(-(1 << bits), (1 << bits) - 1).map(lambda number: (str(number), number))


def reals(decimals):
    numbers = st.decimals(-(10**9), 10**9, places=4, allow_nan=False, allow_infinity=False)
    return numbers.map(lambda number: (f"{number:f}", round(float(number), decimals)))


def symbols(field):
    chosen = [(one, one) for one in field.enum or ("Open", "Closed")]
    first = field.enum_numbers and field.enum_numbers.get(0, field.enum[0])
    blank = [("", first if field.enum_complete and first else "")]
    return st.sampled_from(chosen + blank)


def clock(at):
    return f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"


VALUES = {
    FieldType.INT: lambda _field: whole(31) | st.just(("", 0)),
    FieldType.INT64: lambda _field: whole(63) | st.just(("", 0)),
    FieldType.REAL: lambda field: reals(field.decimals) | st.just(("", 0.0)),
    FieldType.DATE: lambda _field: (
        st.dates(FIRST, LAST).map(lambda day: (day.isoformat(), day.isoformat()))
        | st.just(("", "1900-01-01"))
    ),
    FieldType.DATETIME: lambda _field: (
        st.tuples(st.dates(FIRST, LAST), st.integers(0, 86399))
        .map(lambda moment: f"{moment[0].isoformat()} {clock(moment[1])}")
        .map(lambda text: (text, text))
        | st.just(("", "1900-01-01 00:00:00"))
    ),
    FieldType.TIME: lambda _field: (
        st.integers(0, 86399).map(lambda at: (clock(at), at)) | st.just(("", 0))
    ),
    FieldType.GUID: lambda _field: (
        st.uuids().map(lambda mark: (str(mark), f"{{{str(mark).upper()}}}"))
        | st.just(("", "{00000000-0000-0000-0000-000000000000}"))
    ),
    FieldType.ENUM: symbols,
    FieldType.NOYES: lambda _field: st.sampled_from([("Yes", "Yes"), ("No", "No"), ("", "No")]),
}


@st.composite
def tables(draw, entity):
    """Formats, and rows of (text in the file, value that is stored), a key in each."""
    source, target = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
    is_wide = all("Unicode" in name or name[:3] in {"XML", "EXC"} for name in (source, target))
    characters = WIDE if is_wide else PLAIN
    values = []
    for field in entity.file_fields[1:]:
        if field.type is FieldType.STRING:
            values.append(texts(characters, field.size).map(lambda text: (text, text)))
        else:
            values.append(VALUES[field.type](field))
    count = draw(st.integers(1, 4))
    rows = [((f"K{n}",) * 2, *draw(st.tuples(*values))) for n in range(count)]
    return source, target, rows


def stored(view, entity, company):
    rows = view.rows(entity.label, company=company).values()
    names = [field.name for field in entity.file_fields]
    return sorted(tuple(row[name] for name in names) for row in rows)


@pytest.mark.evidence("inferred")
@settings(
    derandomize=True,
    database=None,
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],  # examples are small; a server makes shrinking slow
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.parametrize("label", [LINES, "Typed"])
@given(data=st.data())
def test_a_table_is_the_same_in_whatever_format_it_came_and_went(server, label, data):
    view = server.create_workspace(environment=ENVIRONMENT)
    try:
        entity = view.parts.catalogue.find(label)
        source, target, rows = data.draw(tables(entity))
        columns = [field.staging_name for field in entity.file_fields]
        cells = [[text for text, _value in row] for row in rows]
        wanted = sorted(tuple(value for _text, value in row) for row in rows)
        package = written(label, entity.name, columns, cells, source, entity)
        with Client(view.client_config(), base=server.http_url) as client:
            execution = client.import_package(package)
            assert client.poll(execution)[-1] == "Succeeded", client.errors(execution)
            assert stored(view, entity, "USMF") == wanted
            execution = client.export(definitionGroupId=f"{label} {target}")
            assert client.poll(execution)[-1] == "Succeeded", view.executions[-1].document
            again = client.import_package(client.exported(execution), legalEntityId="DEMF")
            assert client.poll(again)[-1] == "Succeeded", client.errors(again)
            assert stored(view, entity, "DEMF") == wanted
    finally:
        server.drop_workspace(view.id)
