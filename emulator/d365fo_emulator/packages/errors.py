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


class SourceUnreadable(EmulatorError):
    """A data file that its entity's source step cannot read: the entity fails, as a whole.

    `code` is the product's own (`DMF2025`, `FF004`), "" where it has none.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.message = message
