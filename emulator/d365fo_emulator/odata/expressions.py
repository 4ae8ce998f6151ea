"""The grammar of expressions in URLs: `$filter`, `$orderby`, and keys in parentheses.

It is read by Lark's LALR parser, which needs no recursion; depth and length are bounded all the
same, for those who walk the tree. Operators and functions are in lower case, as the language has
them.
"""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata.errors import QueryInvalid, query_text
from d365fo_emulator.odata.tree import (
    And,
    Call,
    Compare,
    Comparison,
    EnumLiteral,
    Literal,
    Name,
    Node,
    Not,
    Or,
    Scalar,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lark import Lark, Token

LONGEST = 64 * 1024
"""Characters of an expression; a URL of the real service could not be as long."""
DEEPEST = 100
"""Parentheses in parentheses, and `not` of `not`."""

# Keywords win over names of their length only, so `AllowEdit` and `NullField` are names.
GRAMMAR = r"""
filter: expression
orderby: item ("," item)*
item: NAME [ASCENDING | DESCENDING]
key: value -> bare_key
   | part ("," part)* -> named_key
part: NAME "=" value

?expression: conjunction
           | conjunction ("or" conjunction)+ -> either
?conjunction: comparison
            | comparison ("and" comparison)+ -> both
?comparison: sum
           | sum OPERATOR sum -> compare
?sum: term
    | sum ARITHMETIC term -> arithmetic
?term: NOT term -> negation
     | "(" expression ")"
     | NAME "(" [expression ("," expression)*] ")" -> call
     | NAME -> name
     | value
?value: TEXT -> text
      | NUMBER -> number
      | INSTANT -> instant
      | DATE -> date
      | GUID -> guid
      | MEMBER -> member
      | "true" -> yes
      | "false" -> no
      | "null" -> null

NOT: "not"
ASCENDING: "asc"
DESCENDING: "desc"
OPERATOR: "eq" | "ne" | "gt" | "ge" | "lt" | "le"
ARITHMETIC: "add" | "sub" | "mul" | "divby" | "div" | "mod"
NAME: /[A-Za-z_]\w*(?:\/[A-Za-z_]\w*)*/
TEXT: /'[^']*(?:''[^']*)*'/
MEMBER.5: /[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+'[^']*(?:''[^']*)*'/
GUID.4: /[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}/
INSTANT.3: /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[+-]\d\d:\d\d)/
DATE.2: /\d{4}-\d\d-\d\d/
NUMBER: /-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?/
%ignore /[ \t]+/
"""


def parse_filter(text: str) -> Node:
    """The tree of a `$filter`.

    Raises:
        QueryInvalid: it is no expression of the language.
        NotEmulated: arithmetic.

    """
    tree: Node = _parse("filter", text)
    return tree


def parse_order(text: str) -> tuple[tuple[str, bool], ...]:
    """The properties of an `$orderby`, each with whether it descends.

    Raises:
        QueryInvalid: it is no list of properties.

    """
    order: tuple[tuple[str, bool], ...] = _parse("orderby", text)
    return order


def parse_key(text: str) -> dict[str, Scalar | EnumLiteral]:
    """The parts of a key in parentheses by name; the bare form has the name `""`.

    Raises:
        QueryInvalid: it is no key, or names a part twice.

    """
    key: dict[str, Scalar | EnumLiteral] = _parse("key", text)
    return key


def _parse(start: str, text: str) -> Any:
    from lark.exceptions import UnexpectedInput  # noqa: PLC0415  not before the first query

    if len(text) > LONGEST:
        raise QueryInvalid(query_text("too-deep"), f"the expression has {len(text)} characters")
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        position = getattr(error, "pos_in_stream", None)
        at = len(text) if position is None else position
        raise QueryInvalid(query_text("syntax", position=at, text=text)) from error


@functools.cache
def _parser() -> Lark:
    """The parser: 60 ms to make, and nothing in it changes."""
    from lark import Lark, Transformer, v_args  # noqa: PLC0415  not before the first query

    class Trees(Transformer[Any, Any]):
        filter = v_args(inline=True)(lambda _self, node: node)
        orderby = tuple
        item = staticmethod(_item)
        bare_key = staticmethod(lambda children: {"": _plain(children[0])})
        named_key = staticmethod(_named_key)
        part = tuple
        either = staticmethod(lambda children: Or(tuple(children)))
        both = staticmethod(lambda children: And(tuple(children)))
        compare = staticmethod(_compare)
        arithmetic = staticmethod(_arithmetic)
        negation = staticmethod(lambda children: Not(children[-1]))
        call = staticmethod(_call)
        name = staticmethod(lambda children: Name(str(children[0])))
        text = staticmethod(lambda children: Literal(_unquoted(children[0])))
        number = staticmethod(_number)
        instant = staticmethod(_instant)
        date = staticmethod(_date)
        guid = staticmethod(lambda children: Literal(uuid.UUID(children[0])))
        member = staticmethod(_member)
        yes = staticmethod(lambda _children: Literal(True))
        no = staticmethod(lambda _children: Literal(False))
        null = staticmethod(lambda _children: Literal(None))

    return Lark(
        GRAMMAR,
        start=["filter", "orderby", "key"],
        parser="lalr",
        transformer=Trees(),
        postlex=_Bounded(),
    )


class _Bounded:
    """Refuses what is nested too deep, before it is parsed."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        depth = negations = 0
        for token in stream:
            depth += {"LPAR": 1, "RPAR": -1}.get(token.type, 0)
            negations = negations + 1 if token.type == "NOT" else 0
            if max(depth, negations) > DEEPEST:
                raise QueryInvalid(query_text("too-deep"), f"nested deeper than {DEEPEST}")
            yield token


def _item(children: list[Any]) -> tuple[str, bool]:
    name, *direction = (child for child in children if child is not None)
    return str(name), direction == ["desc"]


def _named_key(children: list[tuple[Any, Node]]) -> dict[str, Scalar | EnumLiteral]:
    parts = {str(name): _plain(value) for name, value in children}
    if len(parts) < len(children):
        raise QueryInvalid(query_text("key"), "the key names a property twice")
    return parts


def _plain(node: Node) -> Scalar | EnumLiteral:
    assert isinstance(node, Literal | EnumLiteral)  # noqa: S101  the grammar has nothing else here
    return node.value if isinstance(node, Literal) else node


def _compare(children: list[Any]) -> Compare:
    left, operator, right = children
    return Compare(Comparison[str(operator).upper()], left, right)


def _arithmetic(children: list[Any]) -> Node:
    raise NotEmulated(f"arithmetic in $filter ({children[1]})")


def _call(children: list[Any]) -> Call:
    function, *arguments = (child for child in children if child is not None)
    return Call(str(function), tuple(arguments))


def _unquoted(token: str) -> str:
    return token[1:-1].replace("''", "'")


def _number(children: list[str]) -> Literal:
    text = children[0]
    return Literal(int(text) if text.lstrip("-").isdecimal() and len(text) < 20 else Decimal(text))


def _instant(children: list[str]) -> Literal:
    text = str(children[0])
    try:
        instant = dt.datetime.fromisoformat(_to_microseconds(text))
        return Literal(instant.astimezone(dt.UTC))
    except (ValueError, OverflowError) as error:
        raise QueryInvalid(query_text("literal", text=text, kind="Edm.DateTimeOffset")) from error


def _to_microseconds(text: str) -> str:
    head, point, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{head}{point}{digits[:6].ljust(6, '0')}{rest[len(digits) :]}" if point else text


def _date(children: list[str]) -> Literal:
    text = str(children[0])
    try:
        return Literal(dt.date.fromisoformat(text))
    except ValueError as error:
        raise QueryInvalid(query_text("literal", text=text, kind="Edm.Date")) from error


def _member(children: list[str]) -> EnumLiteral:
    kind, _, quoted = str(children[0]).partition("'")
    return EnumLiteral(kind, _unquoted(f"'{quoted}"))
