"""The query of a URL: system options, checked against the entity type that they are asked of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata.errors import QueryInvalid, query_text
from d365fo_emulator.odata.expressions import parse_filter, parse_order
from d365fo_emulator.odata.predicates import unknown_property

if TYPE_CHECKING:
    from d365fo_emulator.odata.model import EntityType
    from d365fo_emulator.odata.tree import Node

LARGEST = 2**31 - 1
"""Of `$top` and `$skip`; Edm.Int32."""
# The service has them, or may have them; the emulator has not.
UNBUILT = ("$expand", "$search", "$apply", "$compute", "$skiptoken", "$deltatoken", "$levels")


@dataclass(frozen=True)
class Query:
    """What is asked of a set.

    Attributes:
        select: property names, as they were listed; empty: all.
        order: property names, each with whether it descends.
        top: most rows; None: all.
        count: whether the answer says how many rows fit.
        rest: the query as it came, without `$top` and `$skip`; the link to the next page has it.

    """

    filter: Node | None = None
    select: tuple[str, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    rest: str = ""

    def next_page(self, rows: int) -> str:
        """The query of the page after one with so many rows (its form is inferred)."""
        parts = [self.rest] if self.rest else []
        if self.top is not None:
            parts.append(f"$top={self.top - rows}")
        return "&".join([*parts, f"$skip={self.skip + rows}"])


def parse_query(text: str, of: EntityType) -> Query:
    """The query after the `?`, still encoded.

    It is split before it is decoded; a blank may come as `%20` or `+`, the dollar as `%24` (clients
    send all of them). Options without a dollar are other people's (`cross-company`), and ignored.

    Raises:
        QueryInvalid: options that cannot be, doubled ones, unknown properties.
        NotEmulated: `$expand` and others that are not built, by name.

    """
    options: dict[str, str] = {}
    rest = []
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name).strip()
        if not name.startswith("$"):
            rest.append(part)
            continue
        if name in options:
            raise QueryInvalid(query_text("twice", name=name))
        options[name] = unquote_plus(value)
        if name not in {"$top", "$skip"}:
            rest.append(part)
    return _checked(options, of, "&".join(rest))


def _checked(options: dict[str, str], of: EntityType, rest: str) -> Query:
    known = {"$filter", "$select", "$orderby", "$top", "$skip", "$count", "$format"}
    for name in options:
        if name in UNBUILT:
            raise NotEmulated(f"the query option {name}")
        if name not in known:
            raise QueryInvalid(query_text("option", name=name))
    if options.get("$format", "json") not in {"json", "application/json"}:
        raise NotEmulated(f"$format={options['$format']}")
    order = parse_order(options["$orderby"]) if "$orderby" in options else ()
    select = _select(options.get("$select", ""))
    for name in (*select, *(name for name, _descends in order)):
        if name not in of.by_name:
            raise unknown_property(name, of)
    return Query(
        filter=parse_filter(options["$filter"]) if "$filter" in options else None,
        select=select,
        order=order,
        top=_number(options, "$top"),
        skip=_number(options, "$skip") or 0,
        count=_truth(options),
        rest=rest,
    )


def _select(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    return () if "*" in names else names


def _number(options: dict[str, str], option: str) -> int | None:
    text = options.get(option)
    if text is None:
        return None
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST):
        raise QueryInvalid(query_text("number", option=option, text=text))
    return int(text)


def _truth(options: dict[str, str]) -> bool:
    text = options.get("$count", "false").strip()
    if text not in {"true", "false"}:
        raise QueryInvalid(query_text("count", text=text))
    return text == "true"
