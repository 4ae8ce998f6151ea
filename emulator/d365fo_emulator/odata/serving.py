"""Requests to entity sets: what each is answered, apart from how it came."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.odata import errors
from d365fo_emulator.odata.expressions import parse_key
from d365fo_emulator.odata.payload import read_payload
from d365fo_emulator.odata.predicates import predicate
from d365fo_emulator.odata.query import parse_query
from d365fo_emulator.odata.rendering import Rendering, etag, key_text, level_of
from d365fo_emulator.odata.tree import EnumLiteral, equalities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from d365fo_emulator.http.exchange import Exchange
    from d365fo_emulator.odata.model import Row
    from d365fo_emulator.odata.query import Query
    from d365fo_emulator.odata.sets import EntitySet, Rows, Writer

PIECE_ROWS = 100
"""Rows in a piece of a streamed answer."""


@dataclass(frozen=True)
class SetRequest:
    """A request to a set.

    Attributes:
        base: the address of `/data`, before the set's name.
        key: what stands in parentheses; None: nothing does.
        tail: what follows a slash.
        page_size: most rows of an answer.

    """

    exchange: Exchange
    of: EntitySet
    base: str
    method: str
    key: str | None
    tail: str
    query: str
    headers: Mapping[str, str]
    body: Callable[[], bytes]
    page_size: int


@dataclass(frozen=True)
class Answer:
    """An answer: its body is a document, a text, or pieces; or there is none."""

    status: int
    document: dict[str, Any] | None = None
    text: str | None = None
    pieces: Iterable[bytes] | None = None
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def answer(request: SetRequest) -> Answer:
    """Answers a request.

    Raises:
        NoRoute: no such method or path; a key that is incomplete or none (recorded).
        QueryInvalid, PayloadInvalid, WriteFailed: refused.
        NotEmulated: by name.

    """
    reads = request.method in {"GET", "HEAD"}
    if request.key is None:
        if reads and request.tail == "$count":
            return _count(request)
        if request.tail:
            raise errors.NoRoute
        if reads:
            return _collection(request)
        if request.method == "POST":
            return _create(request)
        raise errors.NoRoute
    if request.tail:
        raise NotEmulated(f"/{request.tail} of a row of {request.of.name}")
    key, also = _key(request)
    if reads:
        return _single(request, key, also)
    if request.method in {"PATCH", "PUT"}:
        return _change(request, key, also)
    if request.method == "DELETE":
        return _delete(request, key, also)
    raise errors.NoRoute


# Reading


def _collection(request: SetRequest) -> Answer:
    query = parse_query(request.query, request.of.type)
    rows = _fitting(request, query)
    rendering = _rendering(request, query.select)
    size = _page_size(request)
    most = size if query.top is None else min(size, query.top)
    head: dict[str, Any] = {"@odata.context": rendering.context()}
    if rendering.level == "none":
        head = {}
    if query.count:  # of all that fit, whatever `$top` and `$skip` say (recorded)
        page, head["@odata.count"] = _page_and_count(rows, query.skip, most)
        rows = iter(page)
    else:
        rows = itertools.islice(rows, query.skip, None)
    more = query.top is None or query.top > most
    link = f"{request.base}/{request.of.name}?{query.next_page(most)}" if more else ""
    if query.count and query.skip + most >= head["@odata.count"]:
        link = ""
    preference = {"Preference-Applied": f"odata.maxpagesize={size}"}
    return Answer(
        200,
        pieces=_pieces(head, rows, rendering, most, link),
        content_type=rendering.level.content_type,
        headers=preference if size != request.page_size else {},
    )


def _page_and_count(rows: Iterator[Row], skip: int, most: int) -> tuple[list[Row], int]:
    """The rows of one page, and how many there are in all."""
    page, number = [], 0
    for number, row in enumerate(rows, 1):
        if skip < number <= skip + most:
            page.append(row)
    return page, number


def _pieces(
    head: dict[str, Any], rows: Iterator[Row], rendering: Rendering, most: int, link: str
) -> Iterator[bytes]:
    """The answer's JSON, some rows at a time.

    `link`: the next page's address, in case that there are more rows than `most`.
    """
    opening = errors.dump(head)[:-1]
    yield opening + (b"," if head else b"") + b'"value":['
    left = most
    first = True
    while left:
        texts = [
            errors.dump(rendering.row(row)) for row in itertools.islice(rows, min(PIECE_ROWS, left))
        ]
        if not texts:
            break
        left -= len(texts)
        yield (b"" if first else b",") + b",".join(texts)
        first = False
    more = link and not left and (next(rows, None) is not None or "@odata.count" in head)
    yield b"]" + (b"," + errors.dump({"@odata.nextLink": link})[1:-1] if more else b"") + b"}"


def _count(request: SetRequest) -> Answer:
    query = parse_query(request.query, request.of.type)
    number = sum(1 for _row in _fitting(request, query))
    return Answer(200, text=str(number), content_type="text/plain; charset=utf-8")


def _single(request: SetRequest, key: Mapping[str, Any], also: Mapping[str, Any]) -> Answer:
    query = parse_query(request.query, request.of.type)
    row = _found(request, key, also)
    if row is None:
        request.exchange.reason = f"{request.of.name} has no row of this key"
        return Answer(404)  # the body is not recorded; clients look at the status alone
    rendering = _rendering(request, query.select)
    context = {"@odata.context": rendering.context(single=True)}
    head = {} if rendering.level == "none" else context
    return Answer(200, head | rendering.row(row), content_type=rendering.level.content_type)


def _fitting(request: SetRequest, query: Query) -> Iterator[Row]:
    """The rows that a query asks for, in its order; neither skipped nor cut."""
    fits = predicate(query.filter, request.of.type) if query.filter is not None else None
    rows = _rows(request).read(equalities(query.filter))
    if fits is not None:
        rows = filter(fits, rows)
    if query.order:
        found = list(rows)
        for name, descends in reversed(query.order):
            found.sort(key=_sort_key(name), reverse=descends)
        rows = iter(found)
    return rows


def _sort_key(name: str) -> Callable[[Row], tuple[bool, Any]]:
    """Null comes first; texts without letter case, as they are compared."""

    def key(row: Row) -> tuple[bool, Any]:
        value = row[name]
        return value is not None, value.casefold() if isinstance(value, str) else value or 0

    return key


def _page_size(request: SetRequest) -> int:
    """The service's page, or the caller's when that is smaller."""
    for preference in request.headers.get("Prefer", "").split(","):
        name, _, value = preference.strip().partition("=")
        value = value.strip(' "')
        if name.strip().casefold() in {"odata.maxpagesize", "maxpagesize"} and value.isdecimal():
            asked = int(value[:9])
            return min(asked, request.page_size) if asked else request.page_size
    return request.page_size


# Writing


def _create(request: SetRequest) -> Answer:
    writer = _writer(request)
    values = read_payload(request.body(), request.of.type, request.exchange.note)
    row = writer.create(values)
    rendering = _rendering(request, ())
    document = {"@odata.context": rendering.context(single=True)} | rendering.row(row)
    location = f"{request.base}/{request.of.name}{key_text(request.of, row)}"
    return Answer(
        201,
        document,
        content_type=rendering.level.content_type,
        headers={"Location": location},  # not recorded; the language demands it
    )


def _change(request: SetRequest, key: Mapping[str, Any], also: Mapping[str, Any]) -> Answer:
    """PUT leaves what is not in the body, as PATCH does (recorded)."""
    writer = _writer(request)
    values = read_payload(request.body(), request.of.type, request.exchange.note)
    if refused := _precondition(request, key, also):
        return refused
    for name in request.of.type.key:
        if name in values:
            request.exchange.note(f"{name} belongs to the key and stays")
            del values[name]
    writer.change(key, values)
    return Answer(204)


def _delete(request: SetRequest, key: Mapping[str, Any], also: Mapping[str, Any]) -> Answer:
    writer = _writer(request)
    if refused := _precondition(request, key, also):
        return refused
    writer.delete(key)
    return Answer(204)


def _precondition(
    request: SetRequest, key: Mapping[str, Any], also: Mapping[str, Any]
) -> Answer | None:
    """412 when `If-Match` names another state of the row (by the language; not recorded)."""
    row = _found(request, key, also)
    if row is None:
        raise errors.WriteFailed(errors.NO_RESOURCE, f"{request.of.name} has no row of this key")
    wanted = request.headers.get("If-Match", "*")
    tags = {one.strip() for one in wanted.split(",")}
    if "*" in tags or etag(request.of, row, request.exchange.workspace.ids) in tags:
        return None
    request.exchange.reason = "If-Match names another state of the row"
    kind = errors.WRITE_TYPE
    text = errors.write_text("update-conflict", table=request.of.type.table)
    return Answer(412, errors.envelope(text, kind, errors.WRITE_STACK))


# What both need


def _rows(request: SetRequest) -> Rows:
    return request.of.rows_of(request.exchange)


def _writer(request: SetRequest) -> Writer:
    if request.of.writer_of is None:
        raise NotEmulated(f"{request.method} of {request.of.name}")
    return request.of.writer_of(request.exchange)


def _rendering(request: SetRequest, select: tuple[str, ...]) -> Rendering:
    level = level_of(request.headers.get("Accept", ""))
    return Rendering(request.of, request.base, level, request.exchange.workspace.ids, select)


def _key(request: SetRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The key of the request, and what it says beyond the key (one client names two properties).

    Raises:
        NoRoute: it is no key, or lacks a part (recorded).

    """
    properties, names = request.of.type.by_name, request.of.type.key
    try:
        said = parse_key(request.key or "")
    except errors.QueryInvalid as error:
        request.exchange.reason = error.reason
        raise errors.NoRoute from error
    if "" in said and len(names) == 1:
        said = {names[0]: said[""]}
    if not set(names) <= set(said) <= set(properties):
        raise errors.NoRoute
    plain: dict[str, Any] = {}
    for name, value in said.items():
        expected = properties[name].type_name
        enum = isinstance(value, EnumLiteral)
        if enum != (expected[:4] != "Edm.") or (
            isinstance(value, EnumLiteral) and value.type != expected
        ):
            raise errors.NoRoute
        plain[name] = value.member if isinstance(value, EnumLiteral) else value
    key = {name: plain.pop(name) for name in names}
    if not all(isinstance(value, str) for value in key.values()):
        raise errors.NoRoute  # every key of these sets is text
    return key, plain


def _found(request: SetRequest, key: Mapping[str, Any], also: Mapping[str, Any]) -> Row | None:
    row = _rows(request).one(key)
    if row is None or any(row[name] != value for name, value in also.items()):
        return None
    return row
