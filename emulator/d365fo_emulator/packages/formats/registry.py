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
    from d365fo_emulator.packages.formats.model import SourceFormat

FORMATS: tuple[SourceFormat, ...] = (CSV, CSV_UNICODE, XML_ELEMENT, EXCEL)

# Names of formats that a stock environment also has; some end in what parts them further
# (`Fixed-Unicode`), so a name is known by its beginning. The spelling is inferred for all but
# the first and the last.
_UNBUILT = ("XML-Attribute", "TAB", "PIPE", "Semicolon", "Colon", "Fixed", "PACKAGE")


def find_format(name: str) -> SourceFormat:
    """The format of this name; letter case and blanks do not count.

    Raises:
        NotEmulated: the product has it and the emulator has not.
        SourceUnreadable: DMF1855 for a name that no data source has.

    """
    wanted = _folded(name)
    for source_format in FORMATS:
        if _folded(source_format.name) == wanted:
            return source_format
    for unbuilt in _UNBUILT:
        if wanted.startswith(_folded(unbuilt)):
            raise NotEmulated(f"the source data format {name}")
    names = [source_format.name for source_format in FORMATS]
    raise SourceUnreadable(
        "DMF1855", WRONG_FILE_TYPE, f"no source data format {name!r}{did_you_mean(name, names)}"
    )


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()
