"""Batches of rows between files and storage, column by column.

A whole column goes through one C-level call; only a column in which something is wrong is gone
through value by value, so that each failure has its row, its field, the value and the text.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import re
from collections import Counter
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, cast

from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.entities.errors import Failure, ValueRejected
from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.replacing import TAKEN_AS_IT_IS, ValueRule, ruled_reader
from d365fo_emulator.entities.store import RowError
from d365fo_emulator.entities.values import (
    MIDNIGHT,
    NO_DATE,
    NO_GUID,
    Spelling,
    SymbolReader,
    read_datetime,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from d365fo_emulator.entities.model import Field
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.entities.values import Reader

MOST_REMEMBERED = 10_000
"""Values remembered per column: files repeat dates, symbols and amounts, a batch at a time."""

NUMBER_CHARACTERS = {ord(character): None for character in "0123456789.-"}
"""What `float` takes, made of these alone, is a number in files too (and no ``nan`` or ``1_0``)."""

ROUNDED = re.compile(r"\.[0-9]{7}")
"""More digits after the point than an amount has."""

EXACT = Context(prec=60)
DIGITS_OF_GROUP = 3

WHOLE = frozenset({FieldType.INT, FieldType.INT64})
EXACT_DIGITS = 15
"""Texts no longer than this cannot be too large for their field, and `int` reads them at once."""


class Converter:
    """Turns rows of texts into columns of storage values.

    Keep one for all batches of a file: it remembers what it has read.

    Args:
        fields: the field of each column of the rows.
        blank_keeps: staging names, in upper case, of fields whose blank cells leave a target row
            as it is ("ignore blank values"); they become None.
        positions: where in a row each field's value stands, None where the file has none and the
            system fills the field; by default rows have the fields' values in their order.
        rules: by staging name in upper case, what maps say of columns beyond their names.
        culture: how the file spells numbers, dates and times.
        cut_texts: texts that are too long are cut to their field's size, and fail nothing.

    """

    def __init__(
        self,
        fields: Sequence[Field],
        blank_keeps: Collection[str] = (),
        positions: Sequence[int | None] | None = None,
        *,
        rules: Mapping[str, ValueRule] | None = None,
        culture: Culture = ENGLISH,
        cut_texts: bool = False,
    ) -> None:
        ruled = {name: ValueRule(blank_keeps=True) for name in blank_keeps} | dict(rules or {})
        self._positions = positions
        self._columns = []
        for number, field in enumerate(fields):
            rule = ruled.get(field.staging_name.upper(), TAKEN_AS_IT_IS)
            if positions is not None and positions[number] is None and rule.default is None:
                rule = dataclasses.replace(rule, default=field.default or None)
            self._columns.append(_column_of(field, rule, culture, cut_texts))

    def convert(
        self, rows: Sequence[Sequence[str]], first_row: int
    ) -> tuple[list[Sequence[Value]], list[RowError]]:
        """The rows as columns, and what was wrong with them; a value that failed is None.

        A text that is too long is kept, since its row alone fails, later.

        Raises:
            ValueError: rows of different lengths; without `positions`, of another length than the
                fields'.

        """
        errors: list[RowError] = []
        if not rows:
            return [[] for _ in self._columns], errors
        columns: list[Sequence[str]] = list(zip(*rows, strict=True))
        if self._positions is not None:
            absent = [""] * len(rows)
            columns = [absent if at is None else columns[at] for at in self._positions]
        return [
            column.convert(texts, first_row, errors)
            for column, texts in zip(self._columns, columns, strict=True)
        ], errors

    def notes(self) -> list[str]:
        """What is worth saying of the values so far, a sentence per column and finding."""
        return [note for column in self._columns for note in column.notes()]


def convert_batch(
    fields: Sequence[Field], rows: Sequence[Sequence[str]], first_row: int
) -> tuple[list[Sequence[Value]], list[RowError]]:
    """One batch through a :class:`Converter` of its own."""
    return Converter(fields).convert(rows, first_row)


class _Remembered(dict[str, "Value"]):
    """Text to value, read at the first miss; forgets everything when it has grown too large."""

    def __init__(self, read: Reader) -> None:
        self._read = read

    def __missing__(self, text: str) -> Value:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        value = self._read(text)
        self[text] = value
        return value


class _Column:
    """A column of any type."""

    def __init__(self, field: Field, read: Reader) -> None:
        self.field = field
        self._values = _Remembered(read)

    def convert(
        self, texts: Sequence[str], first_row: int, errors: list[RowError]
    ) -> Sequence[Value]:
        """The column's values; adds what was wrong to `errors`."""
        values = self._values
        try:
            return list(map(values.__getitem__, texts))
        except ValueRejected:
            return [self._one(row, text, errors) for row, text in enumerate(texts, start=first_row)]

    def notes(self) -> list[str]:
        """What is worth saying of the values so far."""
        return []

    def _one(self, row: int, text: str, errors: list[RowError]) -> Value:
        try:
            return self._values[text]
        except ValueRejected as rejected:
            refused = text if rejected.text is None else rejected.text
            errors.append(row_error(row, self.field, rejected.failure, refused))
            return None


class _NumberColumn(_Column):
    """A column of numbers: plain ones are read by Python itself."""

    def __init__(self, field: Field, read: Reader) -> None:
        super().__init__(field, read)
        whole = field.type is not FieldType.REAL
        self._plain: Callable[[str], Value] = int if whole else float
        self._short = 9 if field.type is FieldType.INT else EXACT_DIGITS

    def convert(
        self, texts: Sequence[str], first_row: int, errors: list[RowError]
    ) -> Sequence[Value]:
        """The column's values; adds what was wrong to `errors`."""
        if self._are_plain(texts):
            with contextlib.suppress(ValueError):  # blank or malformed ones among them
                return list(map(self._plain, texts))
        return super().convert(texts, first_row, errors)

    def _are_plain(self, texts: Sequence[str]) -> bool:
        if max(map(len, texts)) > self._short:
            return False
        joined = "".join(texts)
        return not joined.translate(NUMBER_CHARACTERS) and not ROUNDED.search(joined)


class _SymbolColumn(_Column):
    """A column of an enumeration: knows how many of its cells were no symbols."""

    def __init__(self, field: Field, read: Reader) -> None:
        super().__init__(field, read)
        self._reader = SymbolReader(field)
        self._symbols: set[str] = set()
        self._counts: Counter[Spelling] = Counter()

    def convert(
        self, texts: Sequence[str], first_row: int, errors: list[RowError]
    ) -> Sequence[Value]:
        """The column's values; adds what was wrong to `errors`."""
        for text in set(texts) - self._symbols:
            spelling = self._spelling(text)
            if spelling is not Spelling.SYMBOL:
                self._counts[spelling] += texts.count(text)
            elif len(self._symbols) < MOST_REMEMBERED:
                self._symbols.add(text)
        return super().convert(texts, first_row, errors)

    def notes(self) -> list[str]:
        """How many cells were spelt how, but for those that were symbols."""
        return [
            SPELLING_NOTES[spelling].format(count=count, field=self.field.staging_name)
            for spelling, count in sorted(self._counts.items())
        ]

    def _spelling(self, text: str) -> Spelling:
        try:
            return self._reader.find(text)[1]
        except ValueRejected:  # told of as an error
            return Spelling.SYMBOL


SPELLING_NOTES = {
    Spelling.LABEL: "{count} values of {field} were labels of their enumeration, not symbols",
    Spelling.NUMBER: "{count} values of {field} were numbers of their enumeration, not symbols",
    Spelling.UNKNOWN: (
        "{count} values of {field} are none of the symbols that are known of its enumeration;"
        " since not all are known, they were taken as they are"
    ),
}


class _TextColumn(_Column):
    """A column of texts: taken as they are, but for what a rule says."""

    def __init__(self, field: Field, rule: ValueRule, culture: Culture, cut: bool) -> None:
        super().__init__(field, ruled_reader(field, rule, culture))
        self._rule = rule
        self._cut = cut

    def convert(
        self, texts: Sequence[str], first_row: int, errors: list[RowError]
    ) -> Sequence[Value]:
        """The column's values; adds what was wrong to `errors`."""
        values: Sequence[Value] = texts
        if self._rule.replaces:
            values = super().convert(texts, first_row, errors)
        elif self._rule.blank_keeps:
            values = [text or None for text in texts]
        return self._fitted(cast("Sequence[str | None]", values), first_row, errors)

    def _fitted(
        self, values: Sequence[str | None], first_row: int, errors: list[RowError]
    ) -> Sequence[Value]:
        size = self.field.size
        if size is None or max(map(len, filter(None, values)), default=0) <= size:
            return values
        if self._cut:
            return [value and value[:size] for value in values]
        errors.extend(
            row_error(row, self.field, Failure.TEXT_TOO_LONG, value)
            for row, value in enumerate(values, start=first_row)
            if value and len(value) > size
        )
        return values


def _column_of(field: Field, rule: ValueRule, culture: Culture, cut_texts: bool) -> _Column:
    if field.type is FieldType.STRING:
        return _TextColumn(field, rule, culture, cut_texts)
    read = ruled_reader(field, rule, culture)
    if rule.replaces:
        return _Column(field, read)
    if field.type in WHOLE or (field.type is FieldType.REAL and culture.decimal_separator == "."):
        return _NumberColumn(field, read)
    if field.type in {FieldType.ENUM, FieldType.NOYES}:
        return _SymbolColumn(field, read)
    return _Column(field, read)


def row_error(row: int, field: Field, failure: Failure, value: Value) -> RowError:
    """The error of one value; not for failures that name other things too (`NOT_FOUND`)."""
    enum = field.enum_name or ("NoYes" if field.type is FieldType.NOYES else field.name)
    text = failure.text(value=value, label=field.label, size=field.size, enum=enum)
    return RowError(row, failure.stage, field.staging_name, text)


def to_text(field: Field, value: Value, culture: Culture = ENGLISH) -> str:
    """The value as exported files have it; reading it again gives the same value."""
    return text_writer(field, culture)(value)


def text_writer(field: Field, culture: Culture = ENGLISH) -> Callable[[Value], str]:
    """What writes values of this field, for whole columns.

    Forms are those of exported files (recorded): SQL decimals without a leading zero and with all
    their digits, ``yyyy-MM-dd HH:mm:ss``, symbols. A value that was never given is written as the
    type's empty one. Times (``HH:mm:ss``) and GUIDs (in braces) are inferred, and so is that a
    culture changes points in time alone: they are written as the clocks of its zone show them.
    """
    if field.type is FieldType.REAL:
        if field.decimals == DIGITS_OF_GROUP and culture.group_separator == ".":
            point = culture.decimal_separator  # `12.345` would be read as a whole number
            return lambda value: write_real(value, field.decimals).replace(".", point)
        return lambda value: write_real(value, field.decimals)
    if field.type is FieldType.DATETIME and culture.zone is not None:
        return lambda value: write_datetime(value, culture)
    if field.type is FieldType.TIME:
        return write_time
    if field.type is FieldType.DATE:
        return lambda value: f"{value or NO_DATE}{MIDNIGHT}"
    empty = EMPTY_TEXTS.get(field.type, "")
    if field.type is FieldType.ENUM and field.enum_complete and field.enum:
        empty = field.enum[0]
    return lambda value: empty if value is None or value == "" else str(value)


EMPTY_TEXTS = {
    FieldType.INT: "0",
    FieldType.INT64: "0",
    FieldType.DATETIME: NO_DATE + MIDNIGHT,
    FieldType.NOYES: "No",
    FieldType.GUID: NO_GUID,
}
"""What stands in exported files where a value was never given, when that is not nothing."""


def write_real(value: Value, decimals: int) -> str:
    """``.500000``, ``-.500000``, ``12.000000``: as SQL writes decimals."""
    digits = repr(float(value or 0))
    whole, _, fraction = digits.partition(".")
    if "e" in digits or len(fraction) > decimals:
        exact = Decimal(digits).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, EXACT)
        whole, _, fraction = format(exact, "f").partition(".")
    if whole in {"0", "-0"}:
        whole = "-" if whole == "-0" and fraction.strip("0") else ""
    return f"{whole}.{fraction:0<{decimals}}"


def write_datetime(value: Value, culture: Culture) -> str:
    """A point in time by the clocks of the culture's zone; what they show twice, in UTC."""
    utc = str(value or NO_DATE + MIDNIGHT)
    if utc == NO_DATE + MIDNIGHT:
        return utc
    local = culture.to_local(dt.datetime.fromisoformat(utc)).isoformat(sep=" ")
    return local if read_datetime(local, culture) == utc else f"{utc}Z"


def write_time(value: Value) -> str:
    """Seconds since midnight as ``HH:mm:ss``."""
    minutes, second = divmod(int(value or 0), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}"
