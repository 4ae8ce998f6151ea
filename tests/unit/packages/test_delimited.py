from __future__ import annotations

import io
import tracemalloc

import pytest

from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.packages.errors import FileNotWritable, SourceUnreadable
from d365fo_emulator.packages.formats.delimited import (
    CSV,
    CSV_UNICODE,
    Delimited,
    HeadFinding,
    check_encoding,
)
from d365fo_emulator.packages.formats.encodings import code_page
from d365fo_emulator.packages.formats.model import Shape

UTF16 = b"\xff\xfe"


def read(source_format, content):
    table = source_format.read(io.BytesIO(content), Shape("Entity"))
    return list(table.header), list(table.rows)


def written(source_format, header, rows):
    stream = io.BytesIO()
    count = source_format.write(stream, Shape(columns=tuple(header)), rows)
    assert not stream.closed
    assert count == len(rows)
    return stream.getvalue()


def utf16(text):
    return UTF16 + text.encode("utf-16-le")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("A\r\nGroß\r\n".encode("cp1252"), "Groß"),
        ("A\r\nGroß\r\n".encode(), "Groß"),
        ("A\r\nGroß\r\n".encode("utf-8-sig"), "Groß"),
        (b"A\r\nplain\r\n", "plain"),
        ("A\r\n€\u201d\r\n".encode("cp1252"), "€\u201d"),
        (b"A\r\n\x81\r\n", "\x81"),
        (b"A\r\nGro\xc3", "GroÃ"),
    ],
)
def test_csv_is_read_in_the_code_page_and_in_utf8(content, name):
    assert read(CSV, content) == (["A"], [[name]])


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("before", [65_530, 65_533, 65_534, 65_535, 65_536, 131_071])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_the_encoding_is_found_where_a_piece_cuts_a_character(before, encoding):
    lines = "A\r\n" + "".join("x" * 98 + "\r\n" for _ in range(before // 100))
    lines += "y" * (before - len(lines)) + "é€\r\n"
    _header, rows = read(CSV, lines.encode(encoding))
    assert rows[-1][0].endswith("yé€")


@pytest.mark.evidence("inferred")
def test_a_file_that_is_utf8_first_and_not_later_is_refused():
    content = "A\r\nß\r\n".encode() + b"x\r\n" * 60_000 + b"\xe4\r\n"
    with pytest.raises(SourceUnreadable) as caught:
        read(CSV, content)
    assert caught.value.code == "DMF1855"


@pytest.mark.evidence("client")
def test_csv_unicode_is_utf16_with_mark():
    assert read(CSV_UNICODE, utf16("A,B\r\n€,\U0001f600\r\n")) == (
        ["A", "B"],
        [["€", "\U0001f600"]],
    )


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"A\r\n1\r\n",
        "A\r\n1\r\n".encode("utf-8-sig"),
        "A\r\n1\r\n".encode("utf-16-le"),
        b"\xfe\xff" + "A\r\n1\r\n".encode("utf-16-be"),
    ],
)
def test_csv_unicode_in_another_encoding_is_not_unicode(content):
    with pytest.raises(SourceUnreadable) as caught:
        read(CSV_UNICODE, content)
    assert (caught.value.code, str(caught.value)) == ("", "Selected file is not Unicode")
    assert check_encoding(content) is HeadFinding.NOT_UNICODE


@pytest.mark.evidence("client")
@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("A,B\r\n1,2\r\n", HeadFinding.FINE),
        ("A,B\n1,2\n", HeadFinding.LF_ONLY),
        ("A,B", HeadFinding.FINE),
        ("", HeadFinding.FINE),
        # U+0A0D and U+0D0A have the bytes of line ends and are none.
        ("\u0a0d\u0d0a\r\n", HeadFinding.FINE),
    ],
)
def test_line_ends_are_judged_by_the_header_row(text, finding):
    assert check_encoding(utf16(text)) is finding
    assert check_encoding(utf16(text) + b"\n") is finding


@pytest.mark.evidence("inferred")
def test_reading_takes_lf_alone_since_the_call_refuses_it():
    assert read(CSV_UNICODE, utf16("A\n1\n2")) == (["A"], [["1"], ["2"]])


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "FF004"),
        (b"\r\nA,B\r\n1,2\r\n", "FF004"),
        (b",,\r\n1,2,3\r\n", "FF004"),
        (b"A,B", "DMF2053"),
        (b"A,B\r\n", "DMF2053"),
        (b"A;B\r\n1;2\r\n", "DMF1999"),
        (b"A\tB\r\n1\t2\r\n", "DMF1999"),
        (b"A,B\r\n1\r\n", "DMF2050"),
        (b"A,B\r\n1,2,3\r\n", "DMF2050"),
        (b"A,B\r\n1,2\r\n\r\n3,4\r\n", "DMF2050"),
        (b'A,B\r\n1,"2\r\n', "DMF2050"),
        (b'A,B\r\n1,"2"x\r\n', "DMF2050"),
        (b"A,B\r\n1,\0\r\n", "DMF1855"),
        (b"A\0,B\0\r\n1,2\r\n", "DMF1855"),
        (utf16("A,B\r\n1,2\r\n"), "DMF1855"),
    ],
)
def test_a_bad_csv_fails_with_the_products_code(content, code):
    with pytest.raises(SourceUnreadable) as caught:
        read(CSV, content)
    assert caught.value.code == code


@pytest.mark.evidence("documented")
def test_a_file_of_a_header_alone_is_empty_in_the_products_words():
    with pytest.raises(SourceUnreadable, match="DMF2053: Import file empty"):
        read(CSV, b"A,B\r\n")


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "content", [UTF16 + b"A\0\r\0\n\0\x00\xd8\r\0\n\0", utf16("A\r\n1") + b"x"]
)
def test_broken_utf16_fails_the_file(content):
    with pytest.raises(SourceUnreadable) as caught:
        read(CSV_UNICODE, content)
    assert caught.value.code == "DMF1855"


@pytest.mark.evidence("inferred")
def test_blank_lines_at_the_end_are_no_rows():
    assert read(CSV, b"A,B\r\n1,2\r\n\r\n\r\n")[1] == [["1", "2"]]


@pytest.mark.evidence("inferred")
def test_values_may_hold_delimiters_quotes_and_line_breaks():
    content = b'"A","B"\r\n"1,""x""","two\r\nlines"\r\n,\r\n'
    assert read(CSV, content) == (["A", "B"], [['1,"x"', "two\r\nlines"], ["", ""]])


class Endless(io.RawIOBase):
    """Start, then one line again and again; counts what was asked for."""

    def __init__(self, start, line, limit):
        self._start, self._line, self._limit = start, line, limit
        self.given = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        if self.given >= self._limit:
            return 0
        piece = self._start or (self._line * (len(buffer) // len(self._line)))
        self._start = b""
        buffer[: len(piece)] = piece
        self.given += len(piece)
        return len(piece)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("start", "line"),
    [
        (b'A,B\r\n1,"open\r\n', b"more text, and more\r\n"),
        (b"A,B\r\n", b"no line end at all, ever, "),
        (b"A,B\r\n1,2\r\n", b","),
        (b"", b"A,"),
    ],
)
def test_a_row_that_never_ends_is_refused_early(start, line):
    source = Endless(start, line, limit=200 << 20)
    with pytest.raises(SourceUnreadable) as caught:
        list(CSV.read(io.BufferedReader(source), Shape()).rows)
    assert caught.value.code == "DMF2050"
    assert source.given < 6 << 20


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("source_format", [CSV, CSV_UNICODE])
def test_a_hundred_thousand_rows_are_read_in_small_memory(source_format):
    encoding = "utf-16-le" if source_format is CSV_UNICODE else "ascii"
    mark = UTF16 if source_format is CSV_UNICODE else b""
    line = ("value,another value," + "x" * 40 + "\r\n").encode(encoding)
    source = Endless(mark + "A,B,C\r\n".encode(encoding), line, limit=100_000 * len(line))
    tracemalloc.start()
    try:
        table = source_format.read(io.BufferedReader(source, 1 << 16), Shape())
        count = sum(1 for _ in table.rows)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count > 99_000
    assert peak < 2 << 20


@pytest.mark.evidence("inferred")
def test_csv_is_written_in_the_code_page_without_mark():
    content = written(CSV, ["A", "B"], [["Groß", ""], ["€", 'x,"y"'], ["", "1\r\n2"]])
    assert content == 'A,B\r\nGroß,\r\n€,"x,""y"""\r\n,"1\r\n2"\r\n'.encode("cp1252")


@pytest.mark.evidence("documented")
def test_csv_cannot_hold_what_its_code_page_lacks():
    with pytest.raises(FileNotWritable) as caught:
        written(CSV, ["A"], [["fine"], ["Ω"]])
    assert str(caught.value) == "DMF1957: Can't export unicode data as an ascii file type"


@pytest.mark.evidence("client")
def test_csv_unicode_is_written_as_it_must_be_read():
    content = written(CSV_UNICODE, ["A"], [["Ω"], ["\U0001f600"]])
    assert content == utf16("A\r\nΩ\r\n\U0001f600\r\n")
    assert check_encoding(content) is HeadFinding.FINE


OWN = [
    (Delimited("Own", delimiter=";"), "A;B\r\n1;2\r\n"),
    (Delimited("Own", delimiter="\t"), "A\tB\r\n1\t2\r\n"),
    (Delimited("Own", delimiter="|", qualifier="'"), "A|B\r\n'1'|2\r\n"),
    (Delimited("Own", delimiter=":", qualifier=""), "A:B\r\n1:2\r\n"),
    (Delimited("Own", delimiter="\x1f"), "A\x1fB\r\n1\x1f2\r\n"),
    (Delimited("Own", has_header=False, columns=("A", "B")), "1,2\r\n"),
]


@pytest.mark.evidence("documented")
@pytest.mark.parametrize(("source_format", "content"), OWN)
def test_delimiter_qualifier_and_header_are_the_data_sources(source_format, content):
    assert read(source_format, content.encode()) == (["A", "B"], [["1", "2"]])


@pytest.mark.evidence("inferred")
def test_without_header_row_the_columns_are_those_of_the_map():
    table = Delimited("Own", has_header=False).read(
        io.BytesIO(b"1,2\r\n3,4\r\n"), Shape(columns=("A", "B"))
    )
    assert (list(table.header), list(table.rows)) == (["A", "B"], [["1", "2"], ["3", "4"]])


@pytest.mark.evidence("documented")
def test_without_header_row_a_row_must_still_have_as_many_values():
    with pytest.raises(SourceUnreadable) as caught:
        list(Delimited("Own", has_header=False).read(io.BytesIO(b"1,2\r\n"), Shape()).rows)
    assert caught.value.code == "DMF2050"


@pytest.mark.evidence("inferred")
def test_no_header_row_is_written_where_there_is_none():
    assert written(Delimited("Own", has_header=False), ["A", "B"], [["1", "2"]]) == b"1,2\r\n"


@pytest.mark.evidence("documented")
def test_the_delimiter_of_another_format_is_named():
    with pytest.raises(SourceUnreadable) as caught:
        read(Delimited("Own", delimiter=";"), b"A,B\r\n1,2\r\n")
    assert caught.value.code == "DMF1999"


@pytest.mark.evidence("inferred")
def test_another_qualifier_is_doubled_inside():
    source_format = Delimited("Own", delimiter=";", qualifier="'")
    content = written(source_format, ["A", "B"], [["it's", '"x"'], ["a;b", "c,d"]])
    assert content == b"A;B\r\n'it''s';\"x\"\r\n'a;b';c,d\r\n"
    assert read(source_format, content)[1] == [["it's", '"x"'], ["a;b", "c,d"]]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("row", [["a|b", ""], ["a\nb", ""], ["\r", ""]])
def test_without_qualifier_delimiters_and_line_ends_cannot_be_written(row):
    with pytest.raises(FileNotWritable, match="no text qualifier"):
        written(Delimited("Own", delimiter="|", qualifier=""), ["A", "B"], [row])


@pytest.mark.evidence("inferred")
def test_without_qualifier_quotes_are_text():
    source_format = Delimited("Own", delimiter="|", qualifier="")
    content = written(source_format, ["A", "B"], [['"x', "y"]])
    assert content == b'A|B\r\n"x|y\r\n'
    assert read(source_format, content)[1] == [['"x', "y"]]


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("page", "codec", "text"),
    [
        (1252, "cp1252", "Größe €"),
        (850, "cp850", "Größe"),
        (1250, "cp1250", "Łódź"),
        (932, "cp932", "日本語 テスト"),
        (936, "gbk", "中文"),
        (65001, "utf-8", "日本 Größe"),
        (28592, "iso8859-2", "Łódź"),
        ("koi8-r", "koi8-r", "Привет"),
        ("utf-8", "utf-8", "ü"),
    ],
)
def test_a_code_page_is_taken_by_its_number_or_name(page, codec, text):
    source_format = Delimited("Own", code_page(page))
    content = written(source_format, ["A"], [[text]])
    assert content == f"A\r\n{text}\r\n".encode(codec)
    assert read(source_format, content)[1] == [[text]]


@pytest.mark.evidence("inferred")
def test_a_format_of_its_own_code_page_is_not_read_as_utf8():
    content = "A\r\né\r\n".encode()
    assert read(Delimited("Own", code_page(1252)), content)[1] == [["Ã©"]]
    assert read(Delimited("CSV"), content)[1] == [["é"]]


@pytest.mark.evidence("inferred")
def test_utf8_is_read_with_and_without_mark_and_written_as_asked():
    for encoding in (code_page(65001), code_page(65001, mark=True)):
        for codec in ("utf-8", "utf-8-sig"):
            assert read(Delimited("Own", encoding), "A\r\né".encode(codec))[1] == [["é"]]
    assert written(Delimited("Own", code_page(65001, mark=True)), ["A"], [["é"]]) == (
        "A\r\né\r\n".encode("utf-8-sig")
    )


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    ("page", "content"),
    [
        (65001, b"A\r\n\xe9\r\n"),
        (65001, b"\xff\xfeA\0"),
        (1252, b"\xff\xfeA\0"),
        (20127, b"A\r\n\xe9\r\n"),
        (932, b"A\r\n\x81"),
    ],
)
def test_bytes_that_the_code_page_lacks_are_another_type_of_file(page, content):
    with pytest.raises(SourceUnreadable) as caught:
        read(Delimited("Own", code_page(page)), content)
    assert caught.value.code == "DMF1855"


@pytest.mark.evidence("documented")
def test_what_a_code_page_lacks_cannot_be_exported():
    with pytest.raises(FileNotWritable) as caught:
        written(Delimited("Own", code_page(850)), ["A"], [["€"]])
    assert caught.value.code == "DMF1957"


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize("page", [99999, "no-such", "base64", "punycode", "rot13", "", "1252.5"])
def test_a_code_page_that_there_is_not_is_refused(page):
    with pytest.raises(ConfigurationError, match="code page"):
        code_page(page)


@pytest.mark.evidence("inferred")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"\r\n1,2\r\n",
        b",".join(b"C%d" % at for at in range(16_384)),
        utf16("A"),
        UTF16,
        UTF16 + b"A",
        b"\xfe\xff\0A",
        b'"A',
        b"A\0B\r\n1\r\n",
        b"A,B\r\n1\r\n",
    ],
)
def test_odd_files_end_in_a_documented_error(content):
    for source_format in (CSV, CSV_UNICODE):
        with pytest.raises(SourceUnreadable):
            read(source_format, content)


@pytest.mark.evidence("inferred")
def test_many_columns_are_read():
    header = [f"C{at}" for at in range(16_384)]
    content = written(CSV, header, [[str(at) for at in range(16_384)]])
    assert read(CSV, content)[0] == header
