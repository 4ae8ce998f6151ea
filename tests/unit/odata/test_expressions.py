"""The grammar of `$filter`, `$orderby` and keys."""

from __future__ import annotations

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata.errors import QueryInvalid
from d365fo_emulator.odata.expressions import LONGEST, parse_filter, parse_key, parse_order
from d365fo_emulator.odata.tree import (
    And,
    Call,
    Compare,
    Comparison,
    EnumLiteral,
    Literal,
    Name,
    Not,
    Or,
    equalities,
)

pytestmark = pytest.mark.evidence("documented")
NO_YES = "Microsoft.Dynamics.DataEntities.NoYes"


def equal(name, value):
    return Compare(Comparison.EQ, Name(name), Literal(value))


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'x'", "x"),
        ("''", ""),
        ("'O''Brien and ''co'''", "O'Brien and 'co'"),
        ("'a and b eq (c'", "a and b eq (c"),
        ("5", 5),
        ("-5", -5),
        ("9223372036854775807", 2**63 - 1),
        ("1.50", Decimal("1.50")),
        ("true", True),
        ("null", None),
        ("2026-11-24", dt.date(2026, 11, 24)),
        ("2026-11-24T10:00:00Z", dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)),
        ("2026-11-24T12:00:00+02:00", dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)),
        ("2026-11-24T10:00:00.1234567Z", dt.datetime(2026, 11, 24, 10, 0, 0, 123456, dt.UTC)),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", uuid.UUID("0f8fad5bd9cb469fa16570867728950e")),
    ],
)
def test_literals_have_the_types_that_they_are_written_in(literal, value):
    node = parse_filter(f"A eq {literal}")
    assert node == equal("A", value)
    assert type(node.right.value) is type(value)


@pytest.mark.parametrize(("word", "kind"), [(one.name.lower(), one) for one in Comparison])
def test_every_comparison_is_read(word, kind):
    assert parse_filter(f"A {word} 1") == Compare(kind, Name("A"), Literal(1))


def test_an_enumeration_literal_keeps_its_type_and_member():
    found = parse_filter(f"A eq {NO_YES}'Yes'")
    assert found == Compare(Comparison.EQ, Name("A"), EnumLiteral(NO_YES, "Yes"))


def test_and_binds_closer_than_or_and_parentheses_closest():
    a, b, c = (equal(name, 1) for name in "abc")
    assert parse_filter("a eq 1 or b eq 1 and c eq 1") == Or((a, And((b, c))))
    assert parse_filter("(a eq 1 or b eq 1)and(c eq 1)") == And((Or((a, b)), c))
    assert parse_filter("not (a eq 1) and b eq 1") == And((Not(a), b))


def test_a_function_takes_its_arguments_in_order():
    call = Call("startswith", (Call("tolower", (Name("A"),)), Literal("x")))
    assert parse_filter("startswith(tolower(A), 'x')") == call
    assert parse_filter("now()") == Call("now", ())


@pytest.mark.parametrize(
    "name", ["AllowEdit", "AnyThing", "NullField", "TrueValue", "NotThere", "ordered", "android"]
)
def test_a_name_that_begins_like_a_keyword_is_a_name(name):
    assert parse_filter(f"{name} eq 1") == equal(name, 1)
    assert parse_order(f"{name} desc") == ((name, True),)


@pytest.mark.parametrize(
    ("text", "position"),
    [("A eq", 4), ("A eq 'x", 5), ("", 0), ("A eq 1)", 6), ("A = 1", 2), ("A in ('x')", 2)],
)
@pytest.mark.evidence("inferred")
def test_what_is_no_expression_is_refused_with_the_place(text, position):
    with pytest.raises(QueryInvalid, match=r"Syntax error at position \d+") as refused:
        parse_filter(text)
    found = int(refused.value.text.split("position ")[1].split(" ")[0])
    assert abs(found - position) <= 2


@pytest.mark.parametrize("text", ["A eq 2026-13-01", "A eq 2026-01-01T25:00:00Z"])
@pytest.mark.evidence("inferred")
def test_a_date_that_is_none_is_refused(text):
    with pytest.raises(QueryInvalid, match="Unrecognized 'Edm"):
        parse_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "a eq 1" + ")" * 10_000,
        "not " * 10_000 + "a",
        "tolower(" * 200 + "a" + ")" * 200 + " eq 'x'",
        "a eq '" + "x" * LONGEST + "'",
    ],
    ids=["parentheses", "negations", "calls", "length"],
)
@pytest.mark.evidence("inferred")
def test_what_is_too_deep_or_too_long_is_refused(text):
    with pytest.raises(QueryInvalid, match="Recursion depth exceeded"):
        parse_filter(text)


@pytest.mark.evidence("inferred")
def test_long_lists_of_alternatives_are_one_node():
    node = parse_filter(" or ".join(f"A eq '{number}'" for number in range(2000)))
    assert isinstance(node, Or)
    assert len(node.operands) == 2000


def test_arithmetic_is_refused_by_name():
    with pytest.raises(NotEmulated, match="mod"):
        parse_filter("A mod 2 eq 0")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("'x'", {"": "x"}),
        ("Name='x'", {"Name": "x"}),
        ("B='y',A='x'", {"A": "x", "B": "y"}),
        ("'a/b (c), d=''e'''", {"": "a/b (c), d='e'"}),
        (f"A='x',B={NO_YES}'Yes'", {"A": "x", "B": EnumLiteral(NO_YES, "Yes")}),
        ("7", {"": 7}),
    ],
)
def test_keys_are_read_in_both_forms(text, key):
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["", "Name=", "Name", "'x','y'", "A='x',A='y'", "'it's'"])
@pytest.mark.evidence("inferred")
def test_what_is_no_key_is_refused(text):
    with pytest.raises(QueryInvalid):
        parse_key(text)


def test_orders_are_read_in_turn():
    assert parse_order("A,B desc, C asc") == (("A", False), ("B", True), ("C", False))


@pytest.mark.evidence("inferred")
def test_equalities_are_those_that_every_row_has():
    tree = parse_filter("A eq 'x' and B gt 1 and C eq 2 and (D eq 1 or D eq 2) and E eq 'a*'")
    assert equalities(tree) == {"A": "x", "C": 2}
    assert equalities(parse_filter("A eq 'x' or B eq 'y'")) == {}
    assert equalities(None) == {}


@pytest.mark.evidence("inferred")
def test_threads_share_the_parser():
    texts = [f"A eq '{number}' and B eq {number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(parse_filter, texts))
    assert trees == [And((equal("A", str(n)), equal("B", n))) for n in range(200)]
