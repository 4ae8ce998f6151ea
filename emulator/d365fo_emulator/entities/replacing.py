"""What a map says of a column beyond its name: values that stand for others, and defaults."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.entities.errors import ValueRejected
from d365fo_emulator.entities.model import Field, FieldType
from d365fo_emulator.entities.values import reader_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.entities.store import Value
    from d365fo_emulator.entities.values import Reader


@dataclass(frozen=True)
class ValuePair:
    """A value of the file, and the one that is staged in its place.

    Both are spelt in English, as control files spell them, whatever the culture of the data file.

    Attributes:
        type: as what a cell and `source` are compared: `1.50` and `1.5` are one real; texts are
            compared without letter case and blanks around them.

    """

    type: FieldType
    source: str
    staging: str


@dataclass(frozen=True)
class ValueRule:
    """How the cells of one column become values. Inferred in all but its parts.

    Attributes:
        pairs: the first that fits a cell counts.
        default: staged for a blank cell and, where there are pairs, for one that none of them
            fits; None: such cells are taken as they are.
        blank_keeps: a blank cell leaves a target row as it is ("ignore blank values"), whatever
            the default.

    """

    pairs: tuple[ValuePair, ...] = ()
    default: str | None = None
    blank_keeps: bool = False

    @property
    def replaces(self) -> bool:
        """Whether a cell may become another value than the one that it names."""
        return bool(self.pairs) or self.default is not None


TAKEN_AS_IT_IS = ValueRule()


def ruled_reader(field: Field, rule: ValueRule, culture: Culture) -> Reader:
    """What reads cells of a column that has a rule."""
    read = reader_of(field, culture) or str
    if not rule.replaces:
        return lambda text: read(text) if text.strip() or not rule.blank_keeps else None
    replaced = _Pairs(rule.pairs, culture)
    read_staging = reader_of(field) or str

    def staged(text: str) -> Value:
        try:
            return read_staging(text)
        except ValueRejected as rejected:
            raise ValueRejected(rejected.failure, text) from None

    def ruled(text: str) -> Value:
        blank = not text.strip()
        if (fitting := replaced.find(text)) is not None:
            return staged(fitting)
        if blank and rule.blank_keeps:
            return None
        if rule.default is not None and (blank or rule.pairs):
            return staged(rule.default)
        return read(text)

    return ruled


def defaults_of(entity: EntityType, given: Collection[Field]) -> list[tuple[Field, Value]]:
    """What new rows take in fields that are not given; a default that is no value is none."""
    found: list[tuple[Field, Value]] = []
    for field in entity.fields:
        if field.default and field not in given:
            with contextlib.suppress(ValueRejected):
                found.append((field, (reader_of(field) or str)(field.default)))
    return found


class _Pairs:
    """Finds the pair that fits a cell."""

    def __init__(self, pairs: tuple[ValuePair, ...], culture: Culture) -> None:
        self._by_type: dict[FieldType, dict[Value, str]] = {}
        for pair in pairs:
            source = _comparable(pair.type, pair.source, ENGLISH)
            if source is not None:
                self._by_type.setdefault(pair.type, {}).setdefault(source, pair.staging)
        self._culture = culture

    def find(self, text: str) -> str | None:
        """What is staged for a cell; None: no pair fits."""
        for kind, staging in self._by_type.items():
            found = staging.get(_comparable(kind, text, self._culture))
            if found is not None:
                return found
        return None


def _comparable(kind: FieldType, text: str, culture: Culture) -> Value:
    """A text as its type compares it; None: it is none of that type. A blank one is a text only."""
    if kind is FieldType.STRING:
        return text.strip().casefold()
    read = reader_of(Field("", "", kind, ""), culture)
    if read is None or not text.strip():
        return None
    try:
        return read(text)
    except ValueRejected:
        return None
