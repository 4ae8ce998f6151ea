"""What a source data format must offer; `registry.FORMATS` lists those that exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from d365fo_emulator.entities.culture import Culture


@dataclass(frozen=True)
class SourceTable:
    """A data file being read: its header, then its rows, as text, as they are asked for.

    Attributes:
        header: column names as they stand in the file, in its order.
        rows: one list per data row, as long as the header (the reader has checked that).

    """

    header: Sequence[str]
    rows: Iterator[Sequence[str]]


@dataclass(frozen=True)
class Shape:
    """What a format cannot learn from a data file itself, or must know to write one.

    Attributes:
        entity: AOT name (XML rows are elements of that name).
        label: of the entity (worksheets are named after it).
        columns: read: those that the map asks for, in the order of files (XML files and files
            without header row have no names of their own); written: the header.
        widths: characters of each of `columns` in files of fixed width; empty: not known.
        sheet: name of the worksheet to read; "": the first.

    """

    entity: str = ""
    label: str = ""
    columns: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    sheet: str = ""


class SourceFormat(Protocol):
    """One format. Both directions stream: neither holds a file in memory."""

    @property
    def name(self) -> str:
        """As manifests spell it (`CSV-Unicode`)."""
        ...

    @property
    def extension(self) -> str:
        """Of data files, with the dot."""
        ...

    @property
    def culture(self) -> Culture:
        """How texts in its files write numbers, dates and times."""
        ...

    def read(self, stream: IO[bytes], shape: Shape) -> SourceTable:
        """Opens a data file, the member of a zip: `stream` is read forwards only.

        Raises:
            SourceUnreadable: what the product's source step fails on; also while rows are read.

        """
        ...

    def write(self, stream: IO[bytes], shape: Shape, rows: Iterable[Sequence[str]]) -> int:
        """Writes a data file and returns the number of rows.

        Raises:
            FileNotWritable: what the format cannot hold.

        """
        ...
