from __future__ import annotations

import hashlib
import io
import zlib

import pytest

from d365fo_emulator.http.bodies import (
    BodyTruncated,
    FileAnswer,
    RangeNotSatisfiable,
    RangeReader,
    copy,
    parse_range,
)

pytestmark = pytest.mark.evidence("documented")


@pytest.mark.parametrize("length", [10, None])
@pytest.mark.parametrize("piece", [1, 3, 10, 1000])
def test_a_copy_is_whole_and_hashed(length, piece):
    out, digest = io.BytesIO(), hashlib.md5()
    assert copy(io.BytesIO(b"0123456789"), out.write, length, piece, [digest]) == 10
    assert out.getvalue() == b"0123456789"
    assert digest.digest() == hashlib.md5(b"0123456789").digest()


def test_a_copy_takes_no_byte_more_than_asked():
    source = io.BytesIO(b"0123456789")
    assert copy(source, io.BytesIO().write, 4) == 4
    assert source.read() == b"456789"


def test_a_source_that_ends_early_is_told():
    with pytest.raises(BodyTruncated, match="10 of 11 bytes"):
        copy(io.BytesIO(b"0123456789"), io.BytesIO().write, 11)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", (0, 0)),
        ("bytes=2-5", (2, 5)),
        ("Bytes = 2 - 5", (2, 5)),
        ("bytes=2-", (2, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-30", (0, 9)),
        ("bytes=5-999", (5, 9)),
        ("bytes=9-9", (9, 9)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("bytes=x-4", None),
        ("items=0-1", None),
    ],
)
def test_ranges_of_ten_bytes(text, found):
    assert parse_range(text, 10) == found


@pytest.mark.parametrize(
    ("text", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_ranges_outside_are_refused(text, size):
    with pytest.raises(RangeNotSatisfiable) as refused:
        parse_range(text, size)
    assert refused.value.size == size


def test_a_range_reader_stays_inside_its_range_and_closes_the_file():
    file = io.BytesIO(b"0123456789")
    reader = RangeReader(file, 2, 6)
    assert [reader.read(2), reader.read(), reader.read(1)] == [b"23", b"456", b""]
    reader.close()
    assert file.closed


def test_a_file_answer_knows_which_part_the_kernel_may_send(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    whole = path.open("rb")
    whole.read(3)
    ranged = path.open("rb")
    for file, expected in [(whole, (3, None)), (RangeReader(ranged, 2, 6), (2, 5))]:
        answer = FileAnswer(file)
        assert (answer.part.offset, answer.part.limit) == expected
        answer.close()
    assert whole.closed
    assert ranged.closed


def test_what_is_no_plain_file_is_not_for_the_kernel(tmp_path):
    import gzip

    path = tmp_path / "f.gz"
    path.write_bytes(gzip.compress(b"text"))
    with gzip.open(path) as unpacked:
        answer = FileAnswer(unpacked)
        assert answer.part is None
        assert b"".join(answer) == b"text"
    assert FileAnswer(io.BytesIO(zlib.compress(b"x"))).part is None
