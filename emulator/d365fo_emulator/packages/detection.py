"""How a file that somebody wants to send is written: its kind, its encoding, its delimiter.

Detection guesses, so whoever asks says what was found. A byte order mark or text that is UTF-8
throughout is certain enough; a code page is the likeliest of what the bytes allow.
"""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from d365fo_emulator.packages.errors import PackageRefused

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 256 * 1024
DELIMITERS = (",", ";", "\t", "|", ":")
SAMPLE_ROWS = 20
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DEFAULT_PAGE = "cp1252"
UNUSED = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})
"""Bytes that the default page does not have."""
CODE_PAGES = (
    DEFAULT_PAGE,
    *(f"cp{number}" for number in (1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258, 874)),
    *("cp932", "gb18030", "big5", "cp949"),
)
ZIP_SIGNATURE = b"PK\x03\x04"


class Kind(StrEnum):
    """What sort of file it is."""

    DELIMITED = "delimited"
    WORKBOOK = "workbook"
    XML = "XML"


@dataclass(frozen=True)
class Finding:
    """How a file is written; encoding and delimiter of delimited ones alone.

    `encoding`: a name of Python's; `guessed`: the bytes allow others as well.
    """

    kind: Kind
    encoding: str = ""
    delimiter: str = ""
    crlf: bool = True
    guessed: bool = False

    def __str__(self) -> str:
        """For people: `delimited, utf-8, parted by ';'`."""
        if self.kind is not Kind.DELIMITED:
            return self.kind.value
        sure = " (guessed)" if self.guessed else ""
        return f"{self.kind}, {self.encoding}{sure}, parted by {self.delimiter!r}"


def detect(path: Path, encoding: str = "", delimiter: str = "") -> Finding:
    """Looks at the beginning of a file; `encoding` and `delimiter` are taken as told.

    Raises:
        PackageRefused: it is empty, or its encoding cannot be told.

    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head.strip():
        raise PackageRefused(f"{path.name} is empty")
    if head.startswith(ZIP_SIGNATURE):
        return Finding(Kind.WORKBOOK)
    found, guessed = (encoding, False) if encoding else _encoding_of(path.name, head)
    text = _decoded(path.name, head, found)
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        return Finding(Kind.XML, found)
    return Finding(Kind.DELIMITED, found, delimiter or delimiter_of(text), "\r\n" in text, guessed)


def delimiter_of(text: str) -> str:
    """The delimiter by which the first rows have equally many values, and the most."""
    lines = text.splitlines(keepends=True)
    if len(lines) > 1 and len(text) >= HEAD // 2:
        lines.pop()  # it may be cut
    best, most = ",", 1
    for delimiter in DELIMITERS:
        widths = set()
        try:
            for number, row in enumerate(csv.reader(lines, delimiter=delimiter)):
                if number == SAMPLE_ROWS:
                    break
                if row:
                    widths.add(len(row))
        except csv.Error:
            continue
        if len(widths) == 1 and (width := widths.pop()) > most:
            best, most = delimiter, width
    return best if most > 1 else _delimiter_of_header(lines)


def _delimiter_of_header(lines: list[str]) -> str:
    """Of a file with rows of several lengths: what its header has most of."""
    header = lines[0] if lines else ""
    return max(DELIMITERS, key=header.count) if any(map(header.count, DELIMITERS)) else ","


def _encoding_of(name: str, head: bytes) -> tuple[str, bool]:
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding, False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _code_page_of(name, head), True
    return ("ascii" if head.isascii() else "utf-8"), False


def _code_page_of(name: str, head: bytes) -> str:
    """The likeliest of the code pages that Windows programs write.

    A few letters prove nothing: without words of a language in it, a text whose bytes are mostly
    Western letters is taken to be in the product's own default page.
    """
    from charset_normalizer import from_bytes  # noqa: PLC0415  loads tables of many languages

    best = from_bytes(head, cp_isolation=list(CODE_PAGES)).best()
    # Pages that read these bytes as the same text are one match.
    same = () if best is None else best.could_be_from_charset
    if DEFAULT_PAGE in same or ((best is None or best.coherence == 0) and _looks_western(head)):
        return DEFAULT_PAGE
    if best is None:
        raise PackageRefused(f"the encoding of {name} cannot be told: give it (--encoding)")
    return best.encoding


def _looks_western(head: bytes) -> bool:
    high = [byte for byte in head if byte >= 0x80]
    letters = sum(byte >= 0xC0 for byte in high)
    return 2 * letters > len(high) and not UNUSED.intersection(high)


def _decoded(name: str, head: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head)
    except LookupError:
        raise PackageRefused(f"there is no encoding {encoding!r}") from None
    except UnicodeDecodeError as error:
        raise PackageRefused(f"{name} is not {encoding}: {error}") from error
