"""What a source data format must offer; `registry.FORMATS` lists those that exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(frozen=True)
class SourceTable:
    """A data file being read: its header, then its rows, as text, as they are asked for.

    Attributes:
        header: column names as they stand in the file, in its order.
        rows: one list per data row, as long as the header (the reader has checked that).

    """

    header: Sequence[str]
    rows: Iterator[Sequence[str]]


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

    def read(
        self, stream: IO[bytes], entity_name: str, columns: Sequence[str], sheet: str
    ) -> SourceTable:
        """Opens a data file.

        Args:
            stream: the member of the zip, read forwards only.
            entity_name: AOT name (XML rows are elements of that name, in upper case).
            columns: names that the map asks for (XML files have no header of their own).
            sheet: name of the worksheet; "": the first.

        Raises:
            SourceUnreadable: what the product's source step fails on; also while rows are read.

        """
        ...

    def write(
        self,
        stream: IO[bytes],
        entity_name: str,
        label: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
    ) -> int:
        """Writes a data file and returns the number of rows."""
        ...
