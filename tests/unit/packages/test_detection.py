"""What the first bytes of a file tell of how it is written."""

import pytest

from d365fo_emulator.packages.detection import Finding, Kind, delimiter_of, detect
from d365fo_emulator.packages.errors import PackageRefused

pytestmark = pytest.mark.evidence("inferred")
GERMAN = "NAME{0}CITY\r\nMüller{0}Köln\r\nGroß{0}Tübingen\r\n"
POLISH = "NAME;CITY\r\nZażółć gęślą jaźń;Łódź\r\nŚwięty Mikołaj;Kraków\r\n"
RUSSIAN = (
    "NAME;CITY\r\n"
    "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432"
    ";\u041c\u043e\u0441\u043a\u0432\u0430\r\n"
    "\u041c\u0430\u0440\u0438\u044f \u0418\u0432\u0430\u043d\u043e\u0432\u0430"
    ";\u041a\u0430\u0437\u0430\u043d\u044c\r\n"
)
JAPANESE = "NAME\tCITY\r\n山田太郎\t東京\r\n鈴木一郎\t大阪\r\n"


def found(tmp_path, content, **told):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return detect(path, **told)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":"])
@pytest.mark.parametrize(
    ("codec", "encoding"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_encoding_and_delimiter_are_found(tmp_path, delimiter, codec, encoding):
    finding = found(tmp_path, GERMAN.format(delimiter).encode(codec))
    assert (finding.kind, finding.encoding, finding.delimiter) == (
        Kind.DELIMITED,
        encoding,
        delimiter,
    )
    assert finding.guessed == (codec == "cp1252")
    assert finding.crlf


@pytest.mark.parametrize(
    ("text", "encoding"), [(POLISH, "cp1250"), (RUSSIAN, "cp1251"), (JAPANESE, "cp932")]
)
def test_a_code_page_is_told_by_the_words_in_it(tmp_path, text, encoding):
    assert found(tmp_path, text.encode(encoding)).encoding == encoding


def test_plain_letters_are_ascii_and_line_feeds_are_noticed(tmp_path):
    assert found(tmp_path, b"A,B\n1,2\n") == Finding(Kind.DELIMITED, "ascii", ",", crlf=False)


def test_what_is_told_is_not_looked_for(tmp_path):
    finding = found(tmp_path, "NAME;CITY\r\nMüller;x\r\n".encode("cp850"), encoding="cp850")
    assert (finding.encoding, finding.guessed) == ("cp850", False)
    assert found(tmp_path, b"A;B\r\n", delimiter="|").delimiter == "|"


def test_a_workbook_and_xml_are_told_apart(tmp_path):
    assert found(tmp_path, b"PK\x03\x04 and so on").kind is Kind.WORKBOOK
    assert found(tmp_path, b"\xef\xbb\xbf\r\n<Document/>").kind is Kind.XML
    assert found(tmp_path, "<Document/>".encode("utf-16")).kind is Kind.XML


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ('"A;B",C\r\n"x;y",z\r\n', ","),
        ("A\r\n1\r\n", ","),
        ("A;B;C\r\n1;2\r\n", ";"),
        ("A|B,C\r\n1|2,3\r\n", ","),
        ('A;B\r\n"never closed;\r\n', ";"),
        ("", ","),
    ],
)
def test_the_delimiter_is_the_one_that_parts_all_rows_alike(text, delimiter):
    assert delimiter_of(text) == delimiter


@pytest.mark.parametrize("content", [b"", b"\r\n \r\n"])
def test_an_empty_file_is_refused(tmp_path, content):
    with pytest.raises(PackageRefused, match="is empty"):
        found(tmp_path, content)


def test_an_encoding_that_is_none_or_not_the_files_is_refused(tmp_path):
    with pytest.raises(PackageRefused, match="there is no encoding 'klingon'"):
        found(tmp_path, b"A,B\r\n", encoding="klingon")
    with pytest.raises(PackageRefused, match="is not ascii"):
        found(tmp_path, "Ä,B\r\n".encode(), encoding="ascii")


def test_a_file_cut_within_a_character_is_still_utf_8(tmp_path):
    text = "ä" * 200_000  # the head ends within one
    assert found(tmp_path, b"A" + text.encode()).encoding == "utf-8"
