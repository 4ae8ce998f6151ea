"""Checks of a delimited file's bytes that its reader forgives."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from d365fo_emulator.lint.model import Place, Severity
from d365fo_emulator.packages.formats.delimited import (
    CSV_UNICODE,
    Delimited,
    HeadFinding,
    check_encoding,
)
from d365fo_emulator.packages.formats.encodings import ANSI

if TYPE_CHECKING:
    from d365fo_emulator.lint.context import Context, Listed

HEAD_BYTES = 64 * 1024
PIECE = 256 * 1024
UTF8_MARK = b"\xef\xbb\xbf"


def check_delimited(context: Context, listed: Listed, source_format: Delimited) -> None:
    """Line ends of `CSV-Unicode`, by the import call's own check; UTF-8 where a code page is."""
    name = listed.plan.file_name
    if source_format == CSV_UNICODE:
        with context.package.open(name) as stream:
            finding = check_encoding(stream.read(HEAD_BYTES))
        if finding is HeadFinding.LF_ONLY:
            message = f"the lines end in LF alone; {source_format.name} wants CRLF"
            context.report.add("CSV007", message, Place(name, line=1, column=1))
    elif source_format.encoding == ANSI and (found := _utf8_beyond_ascii(context, name)):
        context.report.add(
            "CSV002",
            f"the file is UTF-8{found}, the format {source_format.name} is Windows-1252 by default",
            Place(name),
            severity=Severity.SILENT,
        )


def _utf8_beyond_ascii(context: Context, name: str) -> str:
    """Words for how the file shows that it is UTF-8; "" when it is plain ASCII or something else.

    Text of a code page is UTF-8 only by a freak accident.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    marked = beyond = False
    first = True
    with context.package.open(name) as stream:
        while piece := stream.read(PIECE):
            if first:
                first, marked = False, piece.startswith(UTF8_MARK)
            beyond = beyond or not piece.removeprefix(UTF8_MARK).isascii()
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                return ""
    if marked:
        return " with byte order mark"
    return " with characters beyond ASCII" if beyond else ""
