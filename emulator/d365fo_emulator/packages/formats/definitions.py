"""Source data formats as people define them in the environment file: the key `dataSources`.

They stand for the rows of the product's page "Data sources", where administrators keep them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from d365fo_emulator.entities.culture import ENGLISH, Culture
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.packages.formats.delimited import Delimited
from d365fo_emulator.packages.formats.encodings import ANSI, TextEncoding, code_page
from d365fo_emulator.packages.formats.excel import Excel
from d365fo_emulator.packages.formats.fixed_width import FixedWidth
from d365fo_emulator.packages.formats.xml_rows import XmlRows, is_xml_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from d365fo_emulator.packages.formats.model import SourceFormat

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "vertical bar": "|", "colon": ":"}
"""Delimiters by the names that the product gives them (documented)."""

_COMMON = frozenset({"name", "kind", "extension", "culture"})
_TEXT = frozenset({"codePage", "byteOrderMark", "header", "columns"})
_KEYS = {
    "delimited": _COMMON | _TEXT | {"delimiter", "qualifier", "multiValueSeparator"},
    "fixed": _COMMON | _TEXT,
    "xml": _COMMON | {"style", "rootElement"},
    "excel": _COMMON,
}

# How people of a language write: order of dates, decimal separator, group separator.
_LANGUAGES = {
    "en": ("dmy", ".", ","),
    "en-us": ("mdy", ".", ","),
    "en-ca": ("ymd", ".", ","),
    "cs": ("dmy", ",", "\xa0"),
    "da": ("dmy", ",", "."),
    "de": ("dmy", ",", "."),
    "de-ch": ("dmy", ".", "\u2019"),
    "es": ("dmy", ",", "."),
    "es-mx": ("dmy", ".", ","),
    "fi": ("dmy", ",", "\xa0"),
    "fr": ("dmy", ",", "\xa0"),
    "hu": ("ymd", ",", "\xa0"),
    "it": ("dmy", ",", "."),
    "ja": ("ymd", ".", ","),
    "ko": ("ymd", ".", ","),
    "lt": ("ymd", ",", "\xa0"),
    "nb": ("dmy", ",", "\xa0"),
    "nl": ("dmy", ",", "."),
    "pl": ("dmy", ",", "\xa0"),
    "pt": ("dmy", ",", "."),
    "ru": ("dmy", ",", "\xa0"),
    "sv": ("ymd", ",", "\xa0"),
    "th": ("dmy", ".", ","),
    "tr": ("dmy", ",", "."),
    "zh": ("ymd", ".", ","),
}


def format_of(definition: Mapping[str, Any]) -> SourceFormat:
    """The format that an entry of `dataSources` describes; the schema has seen it.

    Raises:
        ConfigurationError: a key that its kind has not, or a value that cannot be.

    """
    name, kind = definition["name"], definition["kind"]
    try:
        _check_keys(kind, definition)
        return _MAKERS[kind](definition)
    except ConfigurationError as error:
        raise ConfigurationError(f"dataSources: {name}: {error}") from None


def _check_keys(kind: str, definition: Mapping[str, Any]) -> None:
    for key in definition:
        if key not in _KEYS[kind]:
            hint = did_you_mean(key, _KEYS[kind])
            raise ConfigurationError(f"the kind {kind} has no {key!r}{hint}")


def culture_of(definition: Mapping[str, str]) -> Culture:
    """The culture of this name, with what else is said in place of what is usual there.

    Raises:
        ConfigurationError: a name that is not known and does not say all; an unknown time zone;
            one character as both separators.

    """
    name = definition.get("name", ENGLISH.name)
    usual = _LANGUAGES.get(name.casefold()) or _LANGUAGES.get(name.casefold().split("-")[0])
    said = [definition.get(key) for key in ("dateOrder", "decimalSeparator", "groupSeparator")]
    if usual is None and None in said:
        raise ConfigurationError(
            f"the culture {name!r} is not known: give its dateOrder, decimalSeparator and"
            " groupSeparator"
        )
    order, decimal, group = (
        usual[at] if one is None and usual else str(one) for at, one in enumerate(said)
    )
    try:
        return Culture(name, order, decimal, group, definition.get("timeZone", "UTC"))
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _delimited(definition: Mapping[str, Any]) -> Delimited:
    qualifier = definition.get("qualifier", '"')
    said = definition.get("delimiter", ",")
    delimiter = DELIMITERS.get(said.casefold(), said)
    if len(delimiter) != 1 or delimiter in "\r\n\0":
        names = ", ".join(DELIMITERS)
        raise ConfigurationError(f"a delimiter is one character, or one of {names}; not {said!r}")
    if len(qualifier) > 1 or qualifier in ("\r", "\n", "\0"):
        raise ConfigurationError(f"a qualifier is one character or empty, not {qualifier!r}")
    if qualifier == delimiter:
        raise ConfigurationError(f"{delimiter!r} cannot be both delimiter and qualifier")
    if "columns" in definition and definition.get("header", True):
        raise ConfigurationError("columns are for files without header row: say header: false")
    return Delimited(
        name=definition["name"],
        encoding=_encoding(definition),
        delimiter=delimiter,
        qualifier=qualifier,
        has_header=definition.get("header", True),
        columns=tuple(_column_name(one) for one in definition.get("columns", ())),
        extension=definition.get("extension", ".csv" if delimiter == "," else ".txt"),
        culture=culture_of(definition.get("culture", {})),
        multi_value_separator=definition.get("multiValueSeparator", ";"),
    )


def _fixed(definition: Mapping[str, Any]) -> FixedWidth:
    columns = tuple(_column_width(one) for one in definition.get("columns", ()))
    if definition.get("header", True) and any(len(name) > width for name, width in columns):
        raise ConfigurationError("a column is narrower than its name in the header row")
    return FixedWidth(
        name=definition["name"],
        encoding=_encoding(definition),
        has_header=definition.get("header", True),
        columns=columns,
        extension=definition.get("extension", ".txt"),
        culture=culture_of(definition.get("culture", {})),
    )


def _xml(definition: Mapping[str, Any]) -> XmlRows:
    root = definition.get("rootElement", "Document")
    if not is_xml_name(root):
        raise ConfigurationError(f"{root!r} cannot be the name of an XML element")
    return XmlRows(
        name=definition["name"],
        in_attributes=definition.get("style", "element") == "attribute",
        root=root,
        extension=definition.get("extension", ".xml"),
        culture=culture_of(definition.get("culture", {})),
    )


def _excel(definition: Mapping[str, Any]) -> Excel:
    return Excel(
        name=definition["name"],
        extension=definition.get("extension", ".xlsx"),
        culture=culture_of(definition.get("culture", {})),
    )


_MAKERS: dict[str, Callable[[Mapping[str, Any]], SourceFormat]] = {
    "delimited": _delimited,
    "fixed": _fixed,
    "xml": _xml,
    "excel": _excel,
}


def _encoding(definition: Mapping[str, Any]) -> TextEncoding:
    mark = definition.get("byteOrderMark", False)
    if "codePage" not in definition:
        return ANSI
    return code_page(definition["codePage"], mark=mark)


def _column_name(column: str | Mapping[str, Any]) -> str:
    return column if isinstance(column, str) else str(column["name"])


def _column_width(column: str | Mapping[str, Any]) -> tuple[str, int]:
    if isinstance(column, str) or "width" not in column:
        raise ConfigurationError("each column of fixed width needs a width: {name: ID, width: 10}")
    return column["name"], column["width"]
