"""What the checks of one package share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from d365fo_emulator.entities.builtin import BuiltinCatalogue
from d365fo_emulator.entities.catalogue import Catalogue
from d365fo_emulator.kernel.settings import Settings
from d365fo_emulator.lint.report import MOST_OF_A_RULE, Report
from d365fo_emulator.packages.formats.registry import STANDARD, SourceFormats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from d365fo_emulator.entities.model import EntityType
    from d365fo_emulator.lint.outline import EntityOutline
    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.model import Manifest, PackageEntity


class NothingLearnt:
    """Keeps nothing of what a catalogue learns from the package at hand."""

    def load(self) -> list[tuple[str, str]]:
        """Nothing."""
        return []

    def save(self, name: str, document: str) -> None:
        """Nothing."""

    def clear(self) -> None:
        """Nothing."""


def builtin_catalogue() -> Catalogue:
    """The standard entities alone."""
    return Catalogue(BuiltinCatalogue(), NothingLearnt())


@dataclass(frozen=True)
class LintOptions:
    """What is known of the environment that packages are meant for.

    Attributes:
        catalogue: makes a new one for each package, since it learns from it.
        formats: the source data formats.
        settings: of the imitated service.
        company: the company of the job; "": not told.
        companies: ids of all companies; None: any.
        most: findings that are kept of one rule in one file.

    """

    catalogue: Callable[[], Catalogue] = builtin_catalogue
    formats: SourceFormats = STANDARD
    settings: Settings = field(default_factory=Settings)
    company: str = ""
    companies: Sequence[str] | None = None
    most: int = MOST_OF_A_RULE


@dataclass
class Listed:
    """An entity of the manifest: its plan, where it stands, and what is known of it."""

    number: int
    plan: PackageEntity
    outline: EntityOutline
    known: EntityType | None

    @property
    def path(self) -> str:
        """Path of its element."""
        return f"PackageEntityList[{self.number}]"


@dataclass
class Context:
    """One package and what its checks have found so far."""

    package: Package
    options: LintOptions
    catalogue: Catalogue
    report: Report
    manifest: Manifest
    listed: list[Listed]
