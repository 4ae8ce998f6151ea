"""The source data formats by name."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.packages.errors import WRONG_FILE_TYPE, SourceUnreadable
from d365fo_emulator.packages.formats.delimited import (
    COLON,
    CSV,
    CSV_UNICODE,
    PIPE,
    SEMICOLON,
    TAB,
    TAB_UNICODE,
)
from d365fo_emulator.packages.formats.excel import EXCEL, Excel
from d365fo_emulator.packages.formats.fixed_width import FIXED, FIXED_UNICODE
from d365fo_emulator.packages.formats.xml_rows import XML_ATTRIBUTE, XML_ELEMENT, XmlRows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.packages.formats.model import SourceFormat

FORMATS: tuple[SourceFormat, ...] = (
    CSV,
    CSV_UNICODE,
    XML_ELEMENT,
    XML_ATTRIBUTE,
    EXCEL,
    TAB,
    TAB_UNICODE,
    PIPE,
    SEMICOLON,
    COLON,
    FIXED,
    FIXED_UNICODE,
)

# A file of this format holds packages; nobody has published one.
_UNBUILT = "PACKAGE"

# Names whose further words are not known (`Semicolon separated`): the first word tells, and
# `unicode` among the others (inferred).
_KNOWN_BY_FIRST_WORD = (TAB, TAB_UNICODE, PIPE, SEMICOLON, COLON, FIXED, FIXED_UNICODE)
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


class SourceFormats:
    """The source data formats that a workspace has: the standard ones and its own.

    Args:
        own: formats beside the standard ones; one of a standard name stands in its place.
        pascal_case: whether rows of written XML files are named in Pascal case.
        dummy_row: whether written workbooks have a dummy row where fields are long.
        sheet_memory: expanded bytes up to which a workbook is read at once; None: as `Excel` does.

    """

    def __init__(
        self,
        own: Iterable[SourceFormat] = (),
        *,
        pascal_case: bool = False,
        dummy_row: bool = False,
        sheet_memory: int | None = None,
    ) -> None:
        self._by_name: dict[str, SourceFormat] = {}
        for one in (*FORMATS, *own):
            chosen = one
            if isinstance(one, XmlRows):
                chosen = dataclasses.replace(one, pascal_case=pascal_case)
            elif isinstance(one, Excel):
                largest = one.largest_in_memory if sheet_memory is None else sheet_memory
                chosen = dataclasses.replace(one, dummy_row=dummy_row, largest_in_memory=largest)
            self._by_name[_folded(one.name)] = chosen

    @property
    def names(self) -> tuple[str, ...]:
        """The names as manifests spell them."""
        return tuple(one.name for one in self._by_name.values())

    def find(self, name: str) -> SourceFormat:
        """The format of this name; letter case and blanks do not count.

        Raises:
            NotEmulated: the product has it and the emulator has not.
            SourceUnreadable: DMF1855 for a name that no data source has.

        """
        wanted = _folded(name)
        if found := self._by_name.get(wanted) or self._by_name.get(_stock_name(name)):
            return found
        if wanted == _folded(_UNBUILT):
            raise NotEmulated(f"the source data format {name}")
        hint = did_you_mean(name, self.names)
        raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, f"no source data format {name!r}{hint}")


def _stock_name(name: str) -> str:
    """The folded name of the stock format that `name` begins with the word of; "": none."""
    words = _BETWEEN_WORDS.split(name.strip().casefold())
    for stock in _KNOWN_BY_FIRST_WORD:
        first, *rest = _BETWEEN_WORDS.split(stock.name.casefold())
        if words[0] == first and ("unicode" in words) == ("unicode" in rest):
            return _folded(stock.name)
    return ""


STANDARD = SourceFormats()
