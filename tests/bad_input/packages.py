"""Data packages that are broken in one way each, written by hand."""

from __future__ import annotations

import io
import struct
import zipfile

import builders
from builders import CUSTOMER_GROUPS

DATA = CUSTOMER_GROUPS.file
LOCAL, DIRECTORY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def files(**changed):
    """The files of a good package; `data`, `manifest` and `header` replace one, None omits it."""
    good = {
        DATA: CUSTOMER_GROUPS.csv,
        "Manifest.xml": manifest(),
        "PackageHeader.xml": header(),
    }
    names = {"data": DATA, "manifest": "Manifest.xml", "header": "PackageHeader.xml"}
    good |= {names[key]: content for key, content in changed.items()}
    return {name: content for name, content in good.items() if content is not None}


def manifest(*replacements):
    """The manifest with texts replaced, each of which must be in it."""
    return _replaced(builders.manifest((CUSTOMER_GROUPS,), "Project"), replacements)


def header(*replacements):
    return _replaced(builders.header("Project"), replacements)


def _replaced(text, replacements):
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text.encode()


def zipped(content, compression=zipfile.ZIP_DEFLATED):
    """A zip of these files, given as a mapping or as pairs (names may then come twice)."""
    pairs = content.items() if isinstance(content, dict) else content
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, octets in pairs:
            info = zipfile.ZipInfo("x")
            info.filename = name  # ZipInfo itself would tidy the name up
            info.compress_type = compression
            archive.writestr(info, octets)
    return buffer.getvalue()


def package(**changed):
    return zipped(files(**changed))


def of_format(source_format, data, file_name=DATA):
    """A package whose data file is of another format."""
    declared = [("<SourceFormat>CSV<", f"<SourceFormat>{source_format}<")]
    if file_name != DATA:
        declared.append((f"<InputFilePath>{DATA}<", f"<InputFilePath>{file_name}<"))
    return zipped(files(data=None, manifest=manifest(*declared)) | {file_name: data})


def in_folder(folder):
    return zipped({f"{folder}{name}": content for name, content in files().items()})


def beside(name, content=b"x"):
    """A good package with one more file."""
    return zipped([*files().items(), (name, content)])


def patched(signature, offset, form, value):
    """A good package with a field of each record of one kind overwritten."""
    octets = bytearray(package())
    at = octets.find(signature)
    while at >= 0:
        struct.pack_into(form, octets, at + offset, value)
        at = octets.find(signature, at + 4)
    return bytes(octets)


def encrypted():
    return patched(DIRECTORY, 8, "<H", 1)


def of_method(method):
    return patched(DIRECTORY, 10, "<H", method)


def two_directories():
    """A good package with a second end record behind it, which names no file at all."""
    return package() + END + bytes(18)


def unreadable_workbook():
    return zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})


def bomb(name=DATA, size=32 << 20):
    """One file that grows to more than a thousand times its size."""
    return zipped(files(data=None) | {name: bytes(size)})


def lying_bomb():
    """The same, but the directory says that the file is small."""
    octets = bytearray(bomb())
    at = octets.rfind(DATA.encode(), 0, octets.rfind(END))
    entry = octets.rfind(DIRECTORY, 0, at)
    struct.pack_into("<L", octets, entry + 24, 1000)
    return bytes(octets)


def of_many_files(count):
    return zipped(
        [*files().items(), *((f"{n}.txt", b"") for n in range(count))], zipfile.ZIP_STORED
    )


def too_large_in_all():
    """Files that are small each by their ratio, and together beyond every limit."""
    octets = bytearray(zipped([*files().items(), *((f"{n}.bin", b"x") for n in range(40))]))
    at = octets.find(DIRECTORY)
    while at >= 0:
        name_length = struct.unpack_from("<H", octets, at + 28)[0]
        name = bytes(octets[at + 46 : at + 46 + name_length])
        if name.endswith(b".bin"):
            struct.pack_into("<LL", octets, at + 20, 1 << 20, 120 << 20)
        at = octets.find(DIRECTORY, at + 4)
    return bytes(octets)


def without_entities():
    text = builders.manifest((), "Project")
    return package(manifest=text.encode())


TWO_TABLES = (
    CUSTOMER_GROUPS,
    builders.Table(
        "Currencies", ("CURRENCYCODE", "NAME"), (("USD", "US Dollar"),), "CurrencyEntity"
    ),
)
