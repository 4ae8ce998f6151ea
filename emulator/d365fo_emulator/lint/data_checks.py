"""One entity's data file: its bytes, then its rows through the reader that imports use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.entities.errors import TooManyFields
from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.lint.composite_checks import check_composite_file, composite_of
from d365fo_emulator.lint.delimited_checks import check_delimited
from d365fo_emulator.lint.entity_checks import place_of
from d365fo_emulator.lint.mapping_checks import check_header, code_of_mismatch
from d365fo_emulator.lint.model import Place, Severity
from d365fo_emulator.lint.row_checks import RowChecks
from d365fo_emulator.lint.rules import OF_PRODUCT_CODE
from d365fo_emulator.lint.sheet_checks import check_workbook
from d365fo_emulator.lint.xml_checks import has_control_characters
from d365fo_emulator.packages.errors import (
    NOT_UNICODE,
    NOT_XML,
    HostilePackage,
    LimitExceeded,
    SourceUnreadable,
)
from d365fo_emulator.packages.formats.delimited import Delimited
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.formats.shaping import shape_to_read
from d365fo_emulator.packages.mapping import plan_columns, staging_name

if TYPE_CHECKING:
    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.lint.context import Context, Listed
    from d365fo_emulator.lint.row_checks import PackageValues
    from d365fo_emulator.packages.formats.model import SourceFormat


def check_data(context: Context, listed: Listed, values: PackageValues) -> None:
    """Checks the file of an entity, when the package has it and its format is known."""
    plan, report = listed.plan, context.report
    source_format = _format_of(context, listed)
    if source_format is None or not context.package.find(plan.file_name):
        return
    _check_extension(context, listed, source_format)
    try:
        composite = composite_of(context, listed)
        if composite is not None:
            check_composite_file(context, listed, composite, source_format, values)
            return
        if isinstance(source_format, Delimited):
            check_delimited(context, listed, source_format)
        elif isinstance(source_format, Excel):
            check_workbook(context, listed)
        if plan.maps:
            _check_rows(context, listed, source_format, values)
    except SourceUnreadable as error:
        report.add(_code_of(context, listed, error), _text(error), Place(plan.file_name))
    except LimitExceeded as error:
        report.add("PKG009", str(error), Place(plan.file_name))
    except HostilePackage as error:
        report.add("MAN010", str(error), Place(plan.file_name))


def _format_of(context: Context, listed: Listed) -> SourceFormat | None:
    place = place_of(listed, "SourceFormat")
    try:
        return context.options.formats.find(listed.plan.source_format)
    except NotEmulated as error:
        context.report.add("MAN015", str(error), place)
    except SourceUnreadable as error:
        context.report.add("MAN010", f"{listed.plan.label}: {error.detail}", place)
    return None


def _check_extension(context: Context, listed: Listed, source_format: SourceFormat) -> None:
    """Delimited files may be called anything; workbooks and XML are told apart by name too."""
    name = listed.plan.file_name.casefold()
    expected = source_format.extension
    kinds = {".xlsx": "a workbook", ".xls": "an old workbook", ".xml": "XML", ".csv": "delimited"}
    kind = next((kind for end, kind in kinds.items() if name.endswith(end)), None)
    delimited = isinstance(source_format, Delimited)
    if kind and not name.endswith(expected) and not (delimited and kind == "delimited"):
        place = place_of(listed, "SourceFormat")
        what = f"{listed.plan.file_name} is called like {kind}, the format is {source_format.name}"
        # By its bytes it may fit; what does not is found by reading it.
        context.report.add("MAN010", what, place, severity=Severity.FRAGILE)


def _check_rows(
    context: Context, listed: Listed, source_format: SourceFormat, values: PackageValues
) -> None:
    plan = listed.plan
    maps = plan.maps or ()
    entity = _entity_for(context, listed)
    if entity is None:
        return
    with context.package.open(plan.file_name) as stream:
        table = source_format.read(stream, shape_to_read(entity, maps, plan.sheet))
        check_header(context, listed, table.header)
        try:
            columns = plan_columns(table.header, maps)
        except SourceUnreadable as error:
            code = code_of_mismatch(table.header, maps, error.code)
            if not (code == "MAP006" and context.report.has("MAP006")):
                context.report.add(code, _text(error), Place(plan.file_name))
            return
        rows = RowChecks(context, listed, entity, source_format, columns, values)
        rows.check(table.rows)


def _entity_for(context: Context, listed: Listed) -> EntityType | None:
    """The entity with all that the maps name, learnt as imports learn it."""
    plan = listed.plan
    columns = [staging_name(one) for one in plan.maps or ()]
    try:
        return context.catalogue.learn(plan.label, plan.target_entity, columns)
    except TooManyFields as error:
        context.report.add("MAP009", str(error), place_of(listed, "EntityMapList"))
        return None


def _code_of(context: Context, listed: Listed, error: SourceUnreadable) -> str:
    if error.code in OF_PRODUCT_CODE:
        return OF_PRODUCT_CODE[error.code]
    if error.message == NOT_UNICODE:
        return "CSV001"
    if error.message.startswith(NOT_XML[:20]):
        bad = has_control_characters(context.package, listed.plan.file_name)
        return "XML002" if bad else "XML001"
    return "XLS002" if "sheet" in error.message else "PKG009"


def _text(error: SourceUnreadable) -> str:
    """What the product says, and what it does not."""
    return f"{error}: {error.detail}" if error.detail else str(error)
