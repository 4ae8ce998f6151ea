"""What can be wrong with a package, by meaning. `dmf.errors` has the wire texts."""

from __future__ import annotations

from d365fo_emulator.kernel.errors import EmulatorError


class PackageRefused(EmulatorError):
    """The package cannot be taken; raised before anything of it is stored."""


class ControlFileMissing(PackageRefused):
    """`Manifest.xml` or `PackageHeader.xml` is not at the root (also: no zip at all)."""

    def __init__(self, file_name: str, because: str) -> None:
        super().__init__(f"{file_name} is not at the root of the package: {because}")
        self.file_name = file_name
        self.because = because


class ControlFileInvalid(PackageRefused):
    """A control file is no well-formed XML, has a DTD or another root."""

    def __init__(self, file_name: str, because: str) -> None:
        super().__init__(f"{file_name}: {because}")
        self.file_name = file_name
        self.because = because


class LimitExceeded(PackageRefused):
    """Too many entries, too many expanded bytes, or a ratio that no honest package has."""


class HostilePackage(PackageRefused):
    """Entry names with `..` or absolute paths, encrypted or doubled entries."""


class DataFileError(EmulatorError):
    """A data file that cannot be read or written; the entity fails as a whole.

    Attributes:
        code: the product's own (`DMF2025`, `FF004`), "" where it has none.
        message: what the product's log says, or our own sentence where its text is unknown.
        detail: what the product does not say; for the journal only.

    """

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.message = message
        self.detail = detail


class SourceUnreadable(DataFileError):
    """A data file that its entity's source step cannot read: the entity fails, as a whole."""


class FileNotWritable(DataFileError):
    """Rows that the chosen format cannot hold: the entity's export fails."""


# Texts of the product. Code and cause are documented for all; the sentences only where marked.

# documented, literally
NOT_XML = "XML is not in correct format-Exception from HRESULT: 0xC0010009"
IMPORT_FILE_EMPTY = "Import file empty"
UNICODE_IN_ASCII = "Can't export unicode data as an ascii file type"
# reported, literally, of composite entities
DATASET_DOUBLED = "A DataTable named '{entity}' already belongs to this DataSet."
# client: reported by one that was run against an environment
NOT_UNICODE = "Selected file is not Unicode"
# inferred: own sentences of the documented meaning
HEADER_MISSING = "The header row is missing in the input file"
DELIMITER_NOT_FOUND = "The delimiter of the source format is not in the input file"
RAGGED_ROW = "A row has another number of values than the header"
COLUMN_NOT_FOUND = "Column not found in the input file"
MAPPING_MISMATCH = "The columns of the input file and the mapping do not match"
PARENT_FAILED = "The record of {label} that it belongs to has failed"
COMPOSITE_PART_MISSING = "The file needs an element of every entity of the composite entity"
COMPOSITE_NOT_XML = "Composite entities are supported with XML files only"
WRONG_FILE_TYPE = "The type of the file does not fit the source format"
TOO_MANY_COLUMNS = "A worksheet takes at most 255 columns"
SHEET_FULL = "The worksheet is full"
CONTROL_CHARACTERS = "The data holds control characters that the file format cannot hold"
