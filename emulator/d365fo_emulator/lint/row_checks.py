"""Checks of rows, streamed: the import's own conversion and target checks, without a store.

What a store would be asked is answered by the package alone: values of entities that it brings.
Keys and values are kept as hashes of 64 bits, up to a bound; beyond it nothing is said of them
but that.
"""

from __future__ import annotations

import itertools
import operator
import re
from typing import TYPE_CHECKING, cast

from d365fo_emulator.entities.conversion import Converter
from d365fo_emulator.entities.errors import duplicate_key
from d365fo_emulator.entities.model import FieldType
from d365fo_emulator.entities.store import row_company
from d365fo_emulator.entities.validation import TargetChecks
from d365fo_emulator.entities.values import BLANKS
from d365fo_emulator.lint.model import Place, Severity
from d365fo_emulator.lint.row_failures import code_of_failure
from d365fo_emulator.lint.sheet_checks import DUMMY_ROW, LONGEST_TEXT
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.mapping import is_automatic, staging_name, value_rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import RowError, RowStore, Value
    from d365fo_emulator.lint.context import Context, Listed
    from d365fo_emulator.packages.formats.model import SourceFormat
    from d365fo_emulator.packages.mapping import ColumnPlan

BATCH = 1000
CUT = "cut"
ANY_COMPANY = "USMF"
MOST_KEYS = 1_000_000
"""Hashes of keys of one file, and of referenced values of a package, that are kept."""

_AMBIGUOUS = re.compile(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}\b")
_LARGEST_MONTH = 12


class PackageValues:
    """The values of referenced fields that the package brings; answers as a store of rows would.

    Args:
        wanted: pairs of an entity's AOT name and a field's OData name that others refer to.

    """

    def __init__(self, wanted: Collection[tuple[str, str]], most: int = MOST_KEYS) -> None:
        self._hashes: dict[tuple[str, str], set[int]] = {pair: set() for pair in wanted}
        self._whole: set[str] = set()
        self._room = most

    def fields_of(self, entity: EntityType) -> list[str]:
        """OData names of the fields of this entity that others refer to."""
        return [field for name, field in self._hashes if name == entity.name]

    def add(self, entity: EntityType, field: Field, column: Sequence[Value]) -> None:
        """Keeps the values of a batch, while there is room."""
        hashes = self._hashes[entity.name, field.name]
        before = len(hashes)
        if self._room > 0:
            hashes.update(_hash(value) for value in column)
            self._room -= len(hashes) - before

    def finish(self, entity: EntityType) -> None:
        """Every row of the entity was read: its values may be held against others."""
        if self._room > 0:
            self._whole.add(entity.name)

    @property
    def is_full(self) -> bool:
        """Whether some values found no room."""
        return self._room <= 0

    # What target checks ask of a store

    def count(self, entity: EntityType, company: str | None = None) -> int:  # noqa: ARG002  the package is for one company
        """Not 0 where the package has brought the entity's rows."""
        return int(entity.name in self._whole)

    def exists(self, entity: EntityType, field: Field, value: Value, company: str) -> bool:  # noqa: ARG002  as `count`
        """Whether a row of the package has this value; also where that is not known."""
        hashes = self._hashes.get((entity.name, field.name))
        known = hashes is not None and entity.name in self._whole
        return not known or _hash(value) in cast("set[int]", hashes)


def _hash(value: Value) -> int:
    return hash(value.casefold().rstrip() if isinstance(value, str) else value)


class RowChecks:
    """The checks of one entity's rows."""

    def __init__(
        self,
        context: Context,
        listed: Listed,
        entity: EntityType,
        source_format: SourceFormat,
        plan: ColumnPlan,
        values: PackageValues,
    ) -> None:
        self._context = context
        self._file = listed.plan.file_name
        self._label = listed.plan.label
        self._entity = entity
        self._validates = listed.plan.run_business_validation
        self._is_sheet = isinstance(source_format, Excel)
        self._plan = plan
        self._values = values
        fields = [entity.find_field(name) for name in plan.fields]
        self._fields = [field for field in fields if field is not None]
        self._converter = _converter(context, self._fields, listed, plan, source_format)
        self._keys: set[int] | None = set() if entity.key_is_known else None
        self._key_columns = [
            at for at, field in enumerate(self._fields) if field in entity.key_fields
        ]
        self._blanks = [
            {_hash(value) for value in BLANKS[self._fields[at].type] | {None}}
            for at in self._key_columns
        ]
        automatic = {staging_name(one) for one in listed.plan.maps or () if is_automatic(one)}
        if automatic & {field.staging_name.upper() for field in entity.key_fields}:
            self._keys = None  # a number sequence makes them differ
        self._checks = self._target_checks()
        self._texts = _TextChecks(context, self._file, self._fields, plan)

    def check(self, rows: Iterator[Sequence[str]]) -> None:
        """Reads all rows.

        Raises:
            SourceUnreadable: as the file's reader.

        """
        first = 1
        while batch := list(itertools.islice(rows, BATCH)):
            columns, errors = self._converter.convert(batch, first)
            self._add(errors)
            numbers = range(first, first + len(batch))
            self._check_target(numbers, columns)
            self._check_keys(numbers, columns)
            self._check_company(numbers, columns)
            self._texts.check(batch, first)
            if self._is_sheet:
                self._check_sheet_texts(batch, first)
            for name in self._values.fields_of(self._entity):
                self._collect(name, columns)
            first += len(batch)
        self._values.finish(self._entity)

    def _target_checks(self) -> TargetChecks:
        options = self._context.options
        companies = options.companies
        company = options.company or (companies[0] if companies else ANY_COMPANY)
        return TargetChecks(
            self._entity,
            self._context.catalogue,
            cast("RowStore", self._values),  # no more of it is asked than `PackageValues` has
            options.settings,
            company,
            [company] if companies is None else companies,
            validates=self._validates,
        )

    def _check_target(self, numbers: range, columns: Sequence[Sequence[Value]]) -> None:
        checked = self._checks.checked(self._fields)
        if self._context.options.companies is None:  # any company may be the right one
            checked = [field for field in checked if field != self._entity.company_field]
        # What a number sequence or a default fills is not seen before it has.
        filled = zip(self._fields, self._plan.positions, strict=True)
        automatic = {field.name for field, at in filled if at is None}
        checked = [field for field in checked if field.name not in automatic]
        wanted = [columns[self._fields.index(field)] for field in checked]
        self._add(self._checks.check(checked, list(numbers), wanted))

    def _add(self, errors: Sequence[RowError]) -> None:
        for error in errors:
            if error.row:
                code = code_of_failure(error.message)
                place = Place(self._file, row=error.row, field=error.field)
                self._context.report.add(code, " ".join(error.message.split()), place)

    def _check_keys(self, numbers: range, columns: Sequence[Sequence[Value]]) -> None:
        keys = self._keys
        if keys is None or not self._key_columns:
            return
        company = self._company_column(columns, len(numbers))
        parts = [map(_hash, columns[at]) for at in self._key_columns]
        for row, (owner, *key) in zip(numbers, zip(company, *parts, strict=True), strict=True):
            if all(map(operator.contains, self._blanks, key)):
                continue  # a key that is blank in all its parts is none: such rows fail alone
            folded = hash((owner, *key))
            if folded in keys:
                place = Place(self._file, row=row, field=self._fields[self._key_columns[0]].name)
                self._context.report.add("ROW001", duplicate_key(self._label), place)
            elif len(keys) < MOST_KEYS:
                keys.add(folded)
            else:
                self._keys = None
                message = f"{self._label} has more than {MOST_KEYS} keys: later ones not compared"
                self._context.report.add("ROW009", message, Place(self._file, row=row))
                return

    def _company_column(self, columns: Sequence[Sequence[Value]], count: int) -> Sequence[Value]:
        field = self._entity.company_field
        if field is None or field not in self._fields:
            return [""] * count
        job = self._context.options.company
        return [row_company(value, job) for value in columns[self._fields.index(field)]]

    def _check_company(self, numbers: range, columns: Sequence[Sequence[Value]]) -> None:
        field, job = self._entity.company_field, self._context.options.company
        if not job or field is None or field not in self._fields:
            return
        for row, value in zip(numbers, columns[self._fields.index(field)], strict=True):
            if row_company(value, job) != job.upper():
                place = Place(self._file, row=row, field=field.staging_name)
                message = f"the row is of {value}, the job of {job}"
                self._context.report.add("ROW007", message, place)

    def _check_sheet_texts(self, batch: Sequence[Sequence[str]], first: int) -> None:
        for row, texts in enumerate(batch, start=first):
            if max(map(len, texts), default=0) <= LONGEST_TEXT:
                continue
            place = Place(self._file, row=row)
            if any(text.startswith(DUMMY_ROW) for text in texts):
                message = "this is the dummy row that exports add; it would be imported as a row"
            else:
                message = f"a cell has more than {LONGEST_TEXT} characters"
            self._context.report.add("XLS001", message, place, severity=Severity.SILENT)

    def _collect(self, name: str, columns: Sequence[Sequence[Value]]) -> None:
        for at, field in enumerate(self._fields):
            if field.name == name:
                self._values.add(self._entity, field, columns[at])


class _TextChecks:
    """What conversion takes, and what still may not be what was meant."""

    def __init__(
        self, context: Context, file: str, fields: Sequence[Field], plan: ColumnPlan
    ) -> None:
        self._report = context.report
        self._file = file
        positioned = [
            (field, at) for field, at in zip(fields, plan.positions, strict=True) if at is not None
        ]
        dates = {FieldType.DATE, FieldType.DATETIME}
        self._dates = [(field, at) for field, at in positioned if field.type in dates]
        self._labels = [
            (field, at, _labels_alone(field)) for field, at in positioned if field.enum_labels
        ]

    def check(self, batch: Sequence[Sequence[str]], first: int) -> None:
        """One batch of rows, as the file has them."""
        for field, at in self._dates:
            for row, texts in enumerate(batch, start=first):
                self._check_date(field, texts[at], row)
        for field, at, labels in self._labels:
            for row, texts in enumerate(batch, start=first):
                text = texts[at].strip().casefold()
                if text in labels:
                    self._add(
                        "ROW005",
                        f"{texts[at]!r} is the label; the symbol is {labels[text]}",
                        field,
                        row,
                        Severity.FRAGILE,
                    )

    def _check_date(self, field: Field, text: str, row: int) -> None:
        found = _AMBIGUOUS.match(text)
        if found is None:
            return
        one, other = int(found[1]), int(found[2])
        if one != other and max(one, other) <= _LARGEST_MONTH:
            message = f"{text!r} is one day or another, by the culture of the format"
            self._add("ROW004", message, field, row, Severity.SILENT)

    def _add(self, code: str, message: str, field: Field, row: int, severity: Severity) -> None:
        place = Place(self._file, row=row, field=field.staging_name)
        self._report.add(code, message, place, severity=severity)


def _labels_alone(field: Field) -> dict[str, str]:
    """Symbols by folded labels that are no symbols themselves."""
    symbols = {symbol.casefold() for symbol in field.enum}
    pairs = zip(map(str.casefold, field.enum_labels), field.enum, strict=False)
    return {label: symbol for label, symbol in pairs if label and label not in symbols}


def _converter(
    context: Context,
    fields: Sequence[Field],
    listed: Listed,
    plan: ColumnPlan,
    source_format: SourceFormat,
) -> Converter:
    return Converter(
        fields,
        positions=plan.positions,
        rules=value_rules(listed.plan.maps or ()),
        culture=source_format.culture,
        cut_texts=context.options.settings.text_too_long == CUT,
    )
