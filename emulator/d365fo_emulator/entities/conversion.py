"""Batches of rows between files and storage, column by column.

A whole column goes through one C-level call; only a column in which something is wrong is gone
through value by value, so that each failure has its row, its field, the value and the text.
"""

from __future__ import annotations

import contextlib
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from d365fo_emulator.entities.errors import Failure, ValueRejected
from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.store import RowError
from d365fo_emulator.entities.values import MIDNIGHT, NO_DATE, NO_GUID, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

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

    """

    def __init__(
        self,
        fields: Sequence[Field],
        blank_keeps: Collection[str] = (),
        positions: Sequence[int | None] | None = None,
    ) -> None:
        self._columns = [
            _column_of(field, field.staging_name.upper() in blank_keeps) for field in fields
        ]
        self._positions = positions

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


def convert_batch(
    fields: Sequence[Field], rows: Sequence[Sequence[str]], first_row: int
) -> tuple[list[Sequence[Value]], list[RowError]]:
    """One batch through a :class:`Converter` of its own."""
    return Converter(fields).convert(rows, first_row)


class _Remembered(dict[str, "Value"]):
    """Text to value, read at the first miss; forgets everything when it has grown too large."""

    def __init__(self, read: Reader, blank_keeps: bool) -> None:
        self._read = read
        self._blank_keeps = blank_keeps

    def __missing__(self, text: str) -> Value:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        value = None if self._blank_keeps and not text.strip() else self._read(text)
        self[text] = value
        return value


class _Column:
    """A column of any type but text."""

    def __init__(self, field: Field, read: Reader, blank_keeps: bool) -> None:
        self.field = field
        self._values = _Remembered(read, blank_keeps)

    def convert(
        self, texts: Sequence[str], first_row: int, errors: list[RowError]
    ) -> Sequence[Value]:
        """The column's values; adds what was wrong to `errors`."""
        values = self._values
        try:
            return list(map(values.__getitem__, texts))
        except ValueRejected:
            return [self._one(row, text, errors) for row, text in enumerate(texts, start=first_row)]

    def _one(self, row: int, text: str, errors: list[RowError]) -> Value:
        try:
            return self._values[text]
        except ValueRejected as rejected:
            errors.append(row_error(row, self.field, rejected.failure, text))
            return None


class _NumberColumn(_Column):
    """A column of numbers: plain ones are read by Python itself."""

    def __init__(self, field: Field, read: Reader, blank_keeps: bool) -> None:
        super().__init__(field, read, blank_keeps)
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


class _TextColumn:
    """A column of texts: taken as they are."""

    def __init__(self, field: Field, blank_keeps: bool) -> None:
        self.field = field
        self._blank_keeps = blank_keeps

    def convert(
        self, texts: Sequence[str], first_row: int, errors: list[RowError]
    ) -> Sequence[Value]:
        """The column's values; adds what was wrong to `errors`."""
        size = self.field.size
        if size is not None and max(map(len, texts)) > size:
            errors.extend(
                row_error(row, self.field, Failure.TEXT_TOO_LONG, text)
                for row, text in enumerate(texts, start=first_row)
                if len(text) > size
            )
        return [text or None for text in texts] if self._blank_keeps else texts


def _column_of(field: Field, blank_keeps: bool) -> _Column | _TextColumn:
    read = reader_of(field)
    if read is None:
        return _TextColumn(field, blank_keeps)
    if field.type in {FieldType.INT, FieldType.INT64, FieldType.REAL}:
        return _NumberColumn(field, read, blank_keeps)
    return _Column(field, read, blank_keeps)


def row_error(row: int, field: Field, failure: Failure, value: Value) -> RowError:
    """The error of one value; not for failures that name other things too (`NOT_FOUND`)."""
    enum = field.enum_name or ("NoYes" if field.type is FieldType.NOYES else field.name)
    text = failure.text(value=value, label=field.label, size=field.size, enum=enum)
    return RowError(row, failure.stage, field.staging_name, text)


def to_text(field: Field, value: Value) -> str:
    """The value as exported files have it; reading it again gives the same value."""
    return text_writer(field)(value)


def text_writer(field: Field) -> Callable[[Value], str]:
    """What writes values of this field, for whole columns.

    Forms are those of exported files (recorded): SQL decimals without a leading zero and with all
    their digits, ``yyyy-MM-dd HH:mm:ss``, symbols. A value that was never given is written as the
    type's empty one. Times (``HH:mm:ss``) and GUIDs (in braces) are inferred.
    """
    if field.type is FieldType.REAL:
        return lambda value: write_real(value, field.decimals)
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


def write_time(value: Value) -> str:
    """Seconds since midnight as ``HH:mm:ss``."""
    minutes, second = divmod(int(value or 0), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}"
