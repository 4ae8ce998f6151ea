"""What the target step refuses: blank mandatory fields, and values no other entity has.

The order within a row follows the product's names for its steps (inferred): mandatory fields,
then values in related tables. Every failing field is reported, not the first alone; of a row for
a company that does not exist that alone, since there is nowhere to look for its values.

An entity whose business validations are off (`RunBusinessValidation`) is checked for what its
tables themselves need: values of the right types, texts that fit, a key that is not blank and
comes once, a company that exists (inferred; documented is that validateWrite is left out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from d365fo_emulator.entities.conversion import MOST_REMEMBERED, row_error
from d365fo_emulator.entities.errors import Failure
from d365fo_emulator.entities.store import RowError, row_company
from d365fo_emulator.entities.values import BLANKS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from d365fo_emulator.entities.catalogue import Catalogue
    from d365fo_emulator.entities.model import EntityType, Field
    from d365fo_emulator.entities.store import RowStore, Value
    from d365fo_emulator.kernel.settings import Settings
    from d365fo_emulator.kernel.workspace import ExecutionId

STRICT = "strict"
BATCH = 1000


def must_be_filled(entity: EntityType) -> tuple[Field, ...]:
    """The mandatory fields, and the key where it is one field.

    Parts of longer keys may be blank where the catalogue does not say otherwise: product variants
    have dimensions that they do not use.
    """
    if not entity.key_is_known:
        return ()
    only_key = entity.keys[0] if len(entity.keys) == 1 else None
    return tuple(field for field in entity.fields if field.mandatory or field.name == only_key)


def validate_target(
    checks: TargetChecks,
    rows: RowStore,
    execution: ExecutionId,
    fields: Sequence[Field],
) -> Iterator[list[RowError]]:
    """All errors of the staged rows of one entity, a batch at a time.

    Running it again gives the same errors, so that a restarted import may begin it anew.

    Args:
        checks: the checks of the entity.
        rows: the workspace's rows.
        execution: the execution whose rows were staged.
        fields: the fields that the file brought.

    """
    checked = checks.checked(fields)
    for numbers, columns in rows.staged(execution, checks.entity, checked, batch=BATCH):
        if errors := checks.check(checked, numbers, columns):
            yield errors
    yield from checks.check_absent(execution, fields)


class TargetChecks:
    """The checks of one entity in one import, for batches of its rows.

    Args:
        entity: the entity.
        catalogue: the workspace's entities, for labels and keys of related ones.
        rows: the workspace's rows.
        settings: `references` says whether a value must exist only when the entity that it
            refers to holds rows (lenient), or always, as the product has it (strict).
        company: the company of the import.
        companies: the ids of all companies; a row may name one of them as its own.
        validates: whether the manifest lets business validations run.

    """

    def __init__(
        self,
        entity: EntityType,
        catalogue: Catalogue,
        rows: RowStore,
        settings: Settings,
        company: str,
        companies: Collection[str],
        *,
        validates: bool = True,
    ) -> None:
        self.entity = entity
        self._validates = validates
        self._catalogue = catalogue
        self._rows = rows
        self._strict = settings.references == STRICT
        self._company = company
        self._companies = frozenset(one.upper() for one in companies)
        self._must_be_filled = tuple(
            field for field in must_be_filled(entity) if validates or field.name in entity.keys
        )
        # A key of several fields may be blank in parts, not as a whole.
        self._whole_key = entity.key_fields if entity.key_is_known else ()
        if len(self._whole_key) < 2 or not all(BLANKS[one.type] for one in self._whole_key):
            self._whole_key = ()
        self._checks: dict[tuple[str, str], list[_Check]] = {}
        self._kept_blanks = False

    def checked(self, fields: Sequence[Field]) -> list[Field]:
        """Those of the fields whose values `check` looks at; the others need not be read."""
        own = (*self._must_be_filled, *self._whole_key, self.entity.company_field)
        return [field for field in fields if field in own or self._refers(field)]

    def _refers(self, field: Field) -> bool:
        return self._validates and field.reference is not None

    def check(
        self,
        fields: Sequence[Field],
        numbers: Sequence[int],
        columns: Sequence[Sequence[Value]],
    ) -> list[RowError]:
        """What is wrong in a batch, given the numbers of its rows and a column per field."""
        self._kept_blanks = self._kept_blanks or any(
            field in self._must_be_filled and None in column
            for field, column in zip(fields, columns, strict=True)
        )
        names_company = self.entity.company_field
        if names_company is None or names_company not in fields:
            return self._check(self._company, fields, numbers, columns)
        named = columns[fields.index(names_company)]
        errors = []
        for company, places in self._by_company(named).items():
            own_numbers = [numbers[place] for place in places]
            if company in self._companies:
                own = [[column[place] for place in places] for column in columns]
                errors += self._check(company, fields, own_numbers, own)
            else:
                errors += [
                    row_error(row, names_company, Failure.NO_COMPANY, named[place])
                    for row, place in zip(own_numbers, places, strict=True)
                ]
        return errors

    def _check(
        self,
        company: str,
        fields: Sequence[Field],
        numbers: Sequence[int],
        columns: Sequence[Sequence[Value]],
    ) -> list[RowError]:
        errors = [
            error
            for field, column in zip(fields, columns, strict=True)
            for check in self._of(field, company)
            for error in check(numbers, column)
        ]
        return self._without_key(fields, numbers, columns) + errors

    def _without_key(
        self, fields: Sequence[Field], numbers: Sequence[int], columns: Sequence[Sequence[Value]]
    ) -> list[RowError]:
        """Rows in which every part of a key of several fields is blank, or has no column."""
        if not self._whole_key:
            return []
        first = self._whole_key[0]
        if first in self._must_be_filled:
            return []  # told of as a field that must be filled in
        at_fault = set(range(len(numbers)))
        for field, column in zip(fields, columns, strict=True):
            if field in self._whole_key:
                blanks = BLANKS[field.type] | {None}
                if blanks.isdisjoint(column):  # nearly always, and at C speed
                    return []
                at_fault = {at for at in at_fault if column[at] in blanks}
        return [row_error(numbers[at], first, Failure.BLANK, "") for at in sorted(at_fault)]

    def _by_company(self, named: Sequence[Value]) -> dict[str, list[int]]:
        """Where in a batch each company's rows stand, given the column that names it."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(named):
            places.setdefault(row_company(name, self._company), []).append(place)
        return places

    def check_absent(
        self, execution: ExecutionId, fields: Sequence[Field]
    ) -> Iterator[list[RowError]]:
        """What new rows lack because the file has no column or no value for it, by batches.

        A row whose key is there already keeps what it has; a new one has nothing in the field.
        """
        brought = {field.name for field in fields}
        needed = [field for field in self._must_be_filled if BLANKS[field.type]]
        given = [field for field in needed if field.name in brought]
        absent = [one for one in needed if one.name not in brought and not one.default]
        if not absent and not self._kept_blanks:
            return
        new_rows = self._rows.new_rows(execution, self.entity, self._company)
        new = next(new_rows, None)
        for numbers, columns in self._rows.staged(execution, self.entity, given, batch=BATCH):
            errors = []
            for place, row in enumerate(numbers):
                if row == new:
                    cells = [column[place] for column in columns]
                    lacking = [f for f, cell in zip(given, cells, strict=True) if cell is None]
                    errors += [row_error(row, f, Failure.BLANK, "") for f in lacking + absent]
                    new = next(new_rows, None)
            if errors:
                yield errors

    def _of(self, field: Field, company: str) -> list[_Check]:
        """The checks of one field, made at first use: what a related entity holds is asked then."""
        made = self._checks.get((field.name, company))
        if made is None:
            made = self._checks[field.name, company] = []
            if field in self._must_be_filled and BLANKS[field.type]:
                made.append(_MandatoryCheck(field))
            related = self._related(field, company)
            if related is not None:
                made.append(_ReferenceCheck(self.entity, field, related))
        return made

    def _related(self, field: Field, company: str) -> _Related | None:
        """Where the field's values must exist; None when nothing is to be checked.

        A reference to its own entity is not checked: the row meant may stand later in the file,
        and whether the product would then refuse it is not known.
        """
        if not self._refers(field) or field.reference is None:
            return None
        if field.reference.entity == self.entity.name:
            return None
        related = self._catalogue.find(field.reference.entity)
        if related is None:
            return None
        target = related.find_field(field.reference.field)
        if target is None:
            return None
        if not self._strict and self._rows.count(related, company) == 0:
            return None
        return _Related(self._rows, related, target, company)


class _Check(Protocol):
    """One check of one column."""

    def __call__(self, numbers: Sequence[int], column: Sequence[Value]) -> list[RowError]: ...


class _Related(dict["Value", bool]):
    """Whether a related row has a value; asks once per value."""

    def __init__(self, rows: RowStore, entity: EntityType, field: Field, company: str) -> None:
        self.label = entity.label
        self._rows = rows
        self._entity = entity
        self._field = field
        self._company = company

    def __missing__(self, value: Value) -> bool:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        found = (
            value is None
            or value == ""
            or self._rows.exists(self._entity, self._field, value, self._company)
        )
        self[value] = found
        return found


class _MandatoryCheck:
    """A column in which no value may be blank."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._blanks = BLANKS[field.type]

    def __call__(self, numbers: Sequence[int], column: Sequence[Value]) -> list[RowError]:
        """The errors of one batch."""
        if self._blanks.isdisjoint(column):
            return []
        return [
            row_error(row, self._field, Failure.BLANK, value)
            for row, value in zip(numbers, column, strict=True)
            if value in self._blanks
        ]


class _ReferenceCheck:
    """A column whose values must exist in a related entity; blank ones refer to nothing."""

    def __init__(self, entity: EntityType, field: Field, related: _Related) -> None:
        self._entity = entity
        self._field = field
        self._related = related

    def __call__(self, numbers: Sequence[int], column: Sequence[Value]) -> list[RowError]:
        """The errors of one batch."""
        if all(map(self._related.__getitem__, column)):
            return []
        return [
            self._not_found(row, value)
            for row, value in zip(numbers, column, strict=True)
            if not self._related[value]
        ]

    def _not_found(self, row: int, value: Value) -> RowError:
        failure, field = Failure.NOT_FOUND, self._field
        text = failure.text(
            value=value,
            label=field.label,
            table=self._related.label,
            entity=self._entity.name,
            field=field.name,
        )
        return RowError(row, failure.stage, field.staging_name, text)
