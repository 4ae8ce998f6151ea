"""Bytes of text files as text, by the code page of their source data format.

`ANSI` is what stock formats have: Windows-1252 unless an administrator chose another page; many
choose UTF-8 (reported). Both are taken without asking: UTF-8 when the file has its byte order mark
or when its first piece with bytes beyond ASCII is UTF-8, else Windows-1252. Text of the one code
page is UTF-8 only by a freak accident. A format with a code page of its own takes that one alone.
"""

from __future__ import annotations

import codecs
import io
import itertools
import operator
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.packages.errors import (
    NOT_UNICODE,
    RAGGED_ROW,
    WRONG_FILE_TYPE,
    SourceUnreadable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed import WriteableBuffer

    Convert = Callable[[bytes, bool], bytes]

_PIECE = 64 * 1024
# Of one row, quoted line breaks included: a quote that is never closed is found here.
LONGEST_ROW = 4 * 1024 * 1024
# A line is refused before it is text, by its bytes in UTF-8: never more characters than that.
_MOST_BYTES_OF_A_LINE = LONGEST_ROW
UTF16_LE_MARK = codecs.BOM_UTF16_LE
_MARKS_OF_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WINDOWS_1252 = "cp1252"

# Windows maps the five bytes that its code page 1252 leaves open to control characters; Python's
# codec refuses them.
_WINDOWS_1252_TABLE = {
    byte: bytes([byte]).decode(_WINDOWS_1252)
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}

# Windows numbers that are not just Python's `cp` and the number.
_CODE_PAGES = {
    1200: "utf-16-le",
    1201: "utf-16-be",
    20127: "ascii",
    20866: "koi8-r",
    21866: "koi8-u",
    51932: "euc-jp",
    51949: "euc-kr",
    54936: "gb18030",
    65001: "utf-8",
    **{28590 + part: f"iso8859-{part}" for part in (*range(1, 10), 13, 15)},
}

# Text codecs of Python that are no code page of any file.
_NO_CODE_PAGE = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)


@dataclass(frozen=True)
class TextEncoding:
    """How a format's files are encoded.

    Attributes:
        codec: of Python; "": UTF-8 or Windows-1252 as the file has it, the latter when written.
        mark: byte order mark at the beginning of written files.
        needs_mark: a file without the mark is refused, as the product does with UTF-16.

    """

    codec: str = ""
    mark: bytes = b""
    needs_mark: bool = False


ANSI = TextEncoding()
UNICODE = TextEncoding("utf-16-le", UTF16_LE_MARK, needs_mark=True)


def code_page(page: int | str, *, mark: bool = False) -> TextEncoding:
    """The encoding of a code page: its number on Windows, or the name of a Python codec.

    Args:
        page: `65001`, `1252`, `iso8859-2`.
        mark: whether files of UTF-8 are written with a byte order mark; read with and without.

    Raises:
        ConfigurationError: there is no such code page.

    """
    name = str(page).strip()
    if name.isdigit():
        name = _CODE_PAGES.get(int(name), f"cp{int(name)}")
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ConfigurationError(f"there is no code page {page!r}") from None
    codec = info.name.replace("_", "-")
    if not getattr(info, "_is_text_encoding", True) or codec in _NO_CODE_PAGE:
        raise ConfigurationError(f"{page!r} is no code page")
    if codec == "utf-8-sig":
        return TextEncoding("utf-8", codecs.BOM_UTF8)
    if codec in {"utf-16", "utf-16-le"}:
        return UNICODE
    if codec == "utf-16-be":
        return TextEncoding(codec, codecs.BOM_UTF16_BE, needs_mark=True)
    return TextEncoding(codec, codecs.BOM_UTF8 if mark and codec == "utf-8" else b"")


def open_text(stream: IO[bytes], encoding: TextEncoding) -> io.TextIOWrapper:
    """A file as text, line ends as they are. The stream stays the caller's.

    Raises:
        SourceUnreadable: the product's sentence for UTF-16 without its mark; DMF1855 for UTF-16
            in a format of another code page.

    """
    head = stream.read(_PIECE)
    source = _Joined(head, stream)
    if encoding.needs_mark:
        if not head.startswith(encoding.mark):
            raise SourceUnreadable("", NOT_UNICODE)
        source.skip(len(encoding.mark))
    elif head.startswith(_MARKS_OF_UTF16) and encoding.codec in {"", _WINDOWS_1252, "utf-8"}:
        raise SourceUnreadable(
            "DMF1855", WRONG_FILE_TYPE, "UTF-16 in a file of a format that is not Unicode"
        )
    if encoding.codec not in {"", _WINDOWS_1252, "utf-8"}:
        return _text(source, _decoded_from(encoding.codec))
    has_mark = encoding.codec != _WINDOWS_1252 and head.startswith(codecs.BOM_UTF8)
    if has_mark:
        source.skip(len(codecs.BOM_UTF8))
    if has_mark or encoding.codec == "utf-8":
        return _text(source, _as_it_is)
    return _text(source, _Ansi(source, is_utf8=False if encoding.codec else None).convert)


def codec_to_write(encoding: TextEncoding) -> str:
    """The codec of written files."""
    return encoding.codec or _WINDOWS_1252


class Lines:
    """Lines of a text, for parsers that would collect what never ends.

    `taken`: characters of the present row; whoever reads rows sets it back after each.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        readline = self._text.readline
        while line := readline(LONGEST_ROW + 1 - self.taken):
            self.taken += len(line)
            if self.taken > LONGEST_ROW:
                raise _too_long()
            if "\0" in line:
                raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, "the file has NUL characters")
            yield line


class RowsOfLines:
    """Lines for a parser of rows, handed over by the piece, so that a line costs no call of ours.

    Bounded all the same: a piece is 64 KiB and what is left of its last line, which the stream
    below bounds; and when a whole row's worth of pieces has made no row, that row never ends.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        # One tick a row; its length hint tells how many are left.
        self._ticks = itertools.repeat(None, sys.maxsize)

    def __iter__(self) -> Iterator[str]:
        return itertools.chain.from_iterable(self._pieces())

    def counted(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        """`rows`, which are made of these lines, each of them noted."""
        return map(operator.itemgetter(0), zip(rows, self._ticks, strict=False))

    def _pieces(self) -> Iterator[list[str]]:
        taken, left = 0, operator.length_hint(self._ticks)
        while piece := self._text.readlines(_PIECE):
            now = operator.length_hint(self._ticks)
            taken, left = (taken if now == left else 0), now
            joined = "".join(piece)
            taken += len(joined)
            if taken > LONGEST_ROW + _PIECE:
                raise _too_long()
            if "\0" in joined:
                raise SourceUnreadable("DMF1855", WRONG_FILE_TYPE, "the file has NUL characters")
            yield piece


def _too_long() -> SourceUnreadable:
    return SourceUnreadable(
        "DMF2050", RAGGED_ROW, f"one row is longer than {LONGEST_ROW} characters"
    )


def let_go(text: io.TextIOWrapper) -> None:
    """Leaves the caller's stream open; a failed write must not be tried again by `detach`."""
    try:
        text.detach()
    except UnicodeEncodeError:
        return


def _text(source: _Joined, convert: Convert) -> io.TextIOWrapper:
    raw = _AsUtf8(source, convert)
    return io.TextIOWrapper(io.BufferedReader(raw, _PIECE), "utf-8", newline="")


class _Joined(io.RawIOBase):
    """A stream whose first piece has been read already."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def skip(self, count: int) -> None:
        self._head = self._head[count:]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        piece = self._head[: len(view)] or self._stream.read(len(view))
        self._head = self._head[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)


class _AsUtf8(io.RawIOBase):
    """Bytes of any code page as UTF-8, in which a line end is one byte that nothing else has.

    A line that is longer than any row may be is refused here, before it is gathered.
    """

    def __init__(self, source: _Joined, convert: Convert) -> None:
        self._source = source
        self._convert = convert
        self._pending = b""
        self._since_line_end = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        while not self._pending:
            piece = self._source.read(_PIECE) or b""
            self._pending = self._convert(piece, not piece)
            self._watch(self._pending)
            if not piece:
                break
        piece = self._pending[: len(view)]
        self._pending = self._pending[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)

    def _watch(self, piece: bytes) -> None:
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        self._since_line_end = (
            self._since_line_end + len(piece) if last < 0 else len(piece) - last - 1
        )
        if self._since_line_end > _MOST_BYTES_OF_A_LINE:
            raise _too_long()


def _as_it_is(piece: bytes, _final: bool) -> bytes:
    return piece


def _decoded_from(codec: str) -> Convert:
    decode = codecs.getincrementaldecoder(codec)().decode
    return lambda piece, final: decode(piece, final).encode()


class _Ansi:
    """Windows-1252; or, unless told, UTF-8 when the first piece beyond ASCII is that."""

    def __init__(self, source: _Joined, *, is_utf8: bool | None) -> None:
        self._source = source
        self._is_utf8 = is_utf8

    def convert(self, piece: bytes, _final: bool) -> bytes:
        if self._is_utf8 is None and not piece.isascii():
            # A piece may end within a character: the next one tells how it goes on.
            piece += self._source.read(_PIECE) or b""
            self._is_utf8 = _looks_like_utf8(piece)
        if self._is_utf8 is not False:
            return piece
        return _from_windows_1252(piece).encode()


def _from_windows_1252(piece: bytes) -> str:
    """The text of a piece; by the table only where a byte is in it that the codec refuses."""
    try:
        return piece.decode(_WINDOWS_1252)
    except UnicodeDecodeError:
        return piece.decode("latin-1").translate(_WINDOWS_1252_TABLE)


def _looks_like_utf8(piece: bytes) -> bool:
    """Whether it is UTF-8, up to a last character that is cut; that one alone proves nothing."""
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        is_cut = error.reason == "unexpected end of data"
        return is_cut and not piece[: error.start].isascii()
    return True
