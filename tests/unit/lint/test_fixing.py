"""What `--fix` mends is mended, once, and nothing else is touched."""

import csv
import io
import zipfile

import pytest

import lint_cases
from d365fo_emulator.lint.engine import PackageUnreadable, lint_package
from d365fo_emulator.lint.fixing import fix_package
from d365fo_emulator.lint.rules import RULES
from lint_cases import CASES, CUSTOMER_GROUPS, OPTIONS

pytestmark = pytest.mark.evidence("documented")

FIXABLE = sorted(code for code, rule in RULES.items() if rule.fixable)


@pytest.fixture
def fix(tmp_path):
    def mend(content):
        """The mended package's path, and what was said."""
        path, target = tmp_path / "package.zip", tmp_path / "mended.zip"
        path.write_bytes(content)
        done = fix_package(path, target, OPTIONS)
        assert path.read_bytes() == content
        return target, done

    return mend


def in_folder_without_manifest():
    return CASES["PKG002"]()


OWN_CASES = {"PKG003": in_folder_without_manifest}
"""A manifest that is nowhere cannot be put anywhere."""


@pytest.mark.parametrize("code", FIXABLE)
def test_after_a_fix_its_rule_is_kept(code, fix, tmp_path):
    target, done = fix(OWN_CASES.get(code, CASES[code])())
    assert done
    assert code not in {finding.code for finding in lint_package(target, OPTIONS)}
    assert fix_package(target, tmp_path / "again.zip", OPTIONS) == []
    assert not (tmp_path / "again.zip").exists()


@pytest.mark.parametrize("code", FIXABLE)
def test_a_fix_keeps_the_rows(code, fix):
    content = OWN_CASES.get(code, CASES[code])()
    target, _done = fix(content)
    before, after = (
        zipfile.ZipFile(io.BytesIO(content)),
        zipfile.ZipFile(target),
    )
    names = {name.rpartition("/")[2].casefold() for name in before.namelist()}
    assert {name.casefold() for name in after.namelist()} == names
    if lint_cases.DATA in after.namelist():
        old = next(before.read(n) for n in before.namelist() if n.endswith(lint_cases.DATA))
        assert rows(after.read(lint_cases.DATA)) == rows(old)


def rows(octets):
    text = octets.decode("utf-16" if octets.startswith(b"\xff\xfe") else "utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_good_package_is_left_alone(fix):
    target, done = fix(lint_cases.package())
    assert done == []
    assert not target.exists()


@pytest.mark.parametrize("code", ["PKG001", "PKG007", "MAN001", "MAN002", "MAN016"])
def test_what_cannot_be_read_is_left_alone(code, fix):
    target, done = fix(CASES[code]())
    assert done == []
    assert not target.exists()


def test_several_things_are_mended_at_once(fix):
    content = lint_cases.files(
        manifest=[
            ("<SourceFormat>CSV<", "<SourceFormat>CSV-Unicode<"),
            (f"<EntityName>{lint_cases.LABEL}<", "<EntityName>CustomerGroups<"),
            ("<Description>", f"<Description>{'y' * 80}"),
            (lint_cases.ALL_MAPS, ""),
        ],
        header=[("<PackageVersion>2<", "<PackageVersion>0<")],
    )
    target, done = fix(lint_cases.zipped({f"p/{name}": octets for name, octets in content.items()}))
    assert lint_package(target, OPTIONS) == ()
    words = [one.partition(":")[0] for one in done]
    assert words == ["PKG002", "MAN004", "MAN005", "MAN009", "MAN013", "CSV001"]


def test_line_ends_inside_quotes_are_data(fix):
    text = 'CUSTOMERGROUPID,DESCRIPTION\n10,"two\nlines ""quoted"""\n20,x\n'
    target, _done = fix(lint_cases.of_format("CSV-Unicode", lint_cases.utf16(text)))
    with zipfile.ZipFile(target) as archive:
        mended = archive.read(lint_cases.DATA).decode("utf-16")
    assert mended == ('CUSTOMERGROUPID,DESCRIPTION\r\n10,"two\nlines ""quoted"""\r\n20,x\r\n')


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        ("Groß".encode(), "utf-8"),
        (b"\xef\xbb\xbf" + "Groß".encode(), "utf-8 with mark"),
        ("Groß".encode("cp1252"), "code page"),
        (b"\xfe\xff" + "Groß".encode("utf-16-be"), "big endian"),
        ("Groß".encode("utf-16-le"), "utf-16 without mark"),
    ],
)
def test_each_encoding_becomes_the_unicode_of_the_product(octets, name):
    from d365fo_emulator.lint.text_fixes import to_unicode_crlf

    target = io.BytesIO()
    to_unicode_crlf(io.BytesIO(octets), target)
    assert target.getvalue() == b"\xff\xfe" + "Groß".encode("utf-16-le"), name


def test_a_package_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "package.zip"
    path.write_bytes(CASES["MAN009"]())
    path.chmod(0o640)
    assert fix_package(path, path, OPTIONS)
    assert path.stat().st_mode & 0o777 == 0o640
    assert lint_package(path, OPTIONS) == ()
    assert [one.name for one in tmp_path.iterdir()] == ["package.zip"]


def test_two_files_that_would_have_one_name_stay_where_they_are(fix):
    inside = {f"p/{name}": octets for name, octets in lint_cases.files().items()}
    target, done = fix(lint_cases.zipped(inside | {CUSTOMER_GROUPS.file: b"other"}))
    assert done == []
    assert not target.exists()


def test_a_missing_package_is_said_so(tmp_path):
    with pytest.raises(PackageUnreadable):
        fix_package(tmp_path / "none.zip", tmp_path / "out.zip")


def test_a_header_that_opens_a_quote_is_mended_once(fix, tmp_path):
    text = '"CUSTOMERGROUPID,DESCRIPTION\n10,a\n'
    target, done = fix(lint_cases.of_format("CSV-Unicode", lint_cases.utf16(text)))
    assert done == ["CSV007: Customer groups.csv is UTF-16 with CRLF now"]
    assert fix_package(target, tmp_path / "again.zip", OPTIONS) == []


@pytest.mark.parametrize("length", range(65_526, 65_546))
def test_line_ends_are_kept_wherever_the_file_is_cut(length):
    from d365fo_emulator.lint.text_fixes import to_unicode_crlf

    text = "A,B\r\n" + "x" * (length // 2) + ',"1\n2"\r\ny,z\r\n'
    target = io.BytesIO()
    to_unicode_crlf(io.BytesIO(lint_cases.utf16(text + "é" * (length % 3))), target)
    assert target.getvalue() == lint_cases.utf16(text + "é" * (length % 3))
