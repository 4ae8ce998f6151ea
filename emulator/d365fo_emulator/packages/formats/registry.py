"""The source data formats by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import NotEmulated
from d365fo_emulator.kernel.tables import did_you_mean
from d365fo_emulator.packages.errors import WRONG_FILE_TYPE, SourceUnreadable
from d365fo_emulator.packages.formats.delimited import CSV, CSV_UNICODE
from d365fo_emulator.packages.formats.excel import EXCEL
from d365fo_emulator.packages.formats.xml_element import XML_ELEMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.packages.formats.model import SourceFormat

FORMATS: tuple[SourceFormat, ...] = (CSV, CSV_UNICODE, XML_ELEMENT, EXCEL)

# Names of formats that a stock environment also has; some end in what parts them further
# (`Fixed-Unicode`), so a name is known by its beginning. The spelling is inferred for all but
# the first and the last.
_UNBUILT = ("XML-Attribute", "TAB", "PIPE", "Semicolon", "Colon", "Fixed", "PACKAGE")


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


class SourceFormats:
    """The source data formats that a workspace has: the standard ones and its own.

    Args:
        own: formats beside the standard ones; one of a standard name stands in its place.

    """

    def __init__(self, own: Iterable[SourceFormat] = ()) -> None:
        self._by_name = {_folded(one.name): one for one in (*FORMATS, *own)}

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
        if found := self._by_name.get(wanted):
            return found
        for unbuilt in _UNBUILT:
            if wanted.startswith(_folded(unbuilt)):
                raise NotEmulated(f"the source data format {name}")
        hint = did_you_mean(name, self.names)
        raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, f"no source data format {name!r}{hint}")


STANDARD = SourceFormats()
