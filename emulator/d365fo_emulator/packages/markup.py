"""XML from strangers, piece by piece: what the control files and the XML formats share.

Protection: a DOCTYPE is refused outright, so there are no entities to expand or to fetch; and a
piece of markup that never ends is refused before it fills the memory.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from d365fo_emulator.kernel.errors import EmulatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 64 * 1024
_LONGEST_TOKEN = 1024 * 1024
_DEEPEST = 100

# Between the namespace and the local part of a name; neither can hold it.
NAMESPACE_END = " "


class BadMarkup(EmulatorError):
    """The stream is no well-formed XML, or XML that is not taken."""


class MarkupStream:
    """An expat parser and the stream that feeds it.

    UTF-8 and UTF-16 are recognised by their byte order mark, by the declaration, and UTF-16
    without either by the zero byte beside the first `<`. Set handlers on `parser`, then iterate
    `pieces`.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._head = stream.read(_PIECE)
        self.parser = expat.ParserCreate(_encoding_without_mark(self._head), NAMESPACE_END)
        self.parser.buffer_text = True
        self.parser.buffer_size = _PIECE
        self.parser.StartDoctypeDeclHandler = _refuse_doctype

    def pieces(self) -> Iterator[None]:
        """Feeds the parser; gives control back after each piece of at most 64 KiB.

        Raises:
            BadMarkup: as the class says.

        """
        fed = 0
        piece = self._head
        while piece:
            fed += len(piece)
            self._parse(piece, final=False)
            if fed - max(self.parser.CurrentByteIndex, 0) > _LONGEST_TOKEN:
                raise BadMarkup(f"one tag is longer than {_LONGEST_TOKEN} bytes")
            yield
            piece = self._stream.read(_PIECE)
        self._parse(b"", final=True)
        yield

    def _parse(self, piece: bytes, *, final: bool) -> None:
        try:
            self.parser.Parse(piece, final)
        except expat.ExpatError as error:
            raise BadMarkup(f"not well-formed: {error}") from error
        except (LookupError, ValueError) as error:
            # A declaration with an encoding that Python does not know, or not as 8 bits.
            raise BadMarkup(f"unusable encoding: {error}") from error


def local_name(name: str) -> str:
    """The part of an expat name without its namespace."""
    return name.rpartition(NAMESPACE_END)[2]


def check_depth(depth: int) -> None:
    """Refuses nesting that no file of ours has.

    Raises:
        BadMarkup: beyond 100 levels.

    """
    if depth > _DEEPEST:
        raise BadMarkup(f"elements are nested deeper than {_DEEPEST} levels")


def _encoding_without_mark(head: bytes) -> str | None:
    if head[:2] == b"<\0":
        return "utf-16le"
    return "utf-16be" if head[:2] == b"\0<" else None


def _refuse_doctype(*_: object) -> None:
    raise BadMarkup("a document type declaration is not allowed")
