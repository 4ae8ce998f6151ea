"""Attachments of a package: files in `Resources/<entity>`, and the values that name them. Pure.

That the folder is there, one for each entity, is read in the product's own code; that a row has a
file by naming it in a text is inferred. A name is data: it is looked up, and never made a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from d365fo_emulator.packages.archive import RESOURCES
from d365fo_emulator.packages.naming import windows_forbids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from d365fo_emulator.packages.archive import Package
    from d365fo_emulator.packages.model import PackageEntity


@dataclass(frozen=True)
class Attached:
    """A file of a package. `name`: below the entity's folder; `member`: as the zip spells it."""

    name: str
    member: str


def attached_files(
    package: Package, plan: PackageEntity, names: Iterable[str]
) -> tuple[list[Attached], list[str]]:
    """The attachments of an entity, and members that cannot be one, a sentence each.

    Files of its transformations lie in the same folder and are none. `names`: AOT name and label,
    as either may name the folder; a file of the same name in both is there twice.
    """
    transforms = {name.casefold() for name in plan.transforms}
    found: dict[str, Attached] = {}
    refused = []
    for member in package.resources({*names}):
        name = member.split("/", 2)[2]
        if name.casefold() in transforms:
            continue
        if bad := [part for part in name.split("/") if not part or windows_forbids(part)]:
            refused.append(f"{member}: Windows cannot have a file {bad[0]!r}")
        elif name.casefold() in found:
            refused.append(f"{member}: {found[name.casefold()].member} has the name too")
        else:
            found[name.casefold()] = Attached(name, member)
    return list(found.values()), refused


def path_of(entity: str, name: str) -> str:
    """Where an attachment lies in a package that is written."""
    return f"{RESOURCES}/{entity}/{name}"


class NamedFiles:
    """Which of some files are named by values: whole, or without the folders before the name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_value: dict[str, list[str]] = {}
        for name in names:
            for spelling in {name.casefold(), name.casefold().rpartition("/")[2]}:
                self._by_value.setdefault(spelling, []).append(name)

    def __bool__(self) -> bool:
        return bool(self._by_value)

    def named_by(self, value: object) -> Iterable[str]:
        """The files that a value names; letter case and blanks around it aside."""
        return self._by_value.get(str(value).strip().replace("\\", "/").casefold(), ())


def told(refused: Iterable[str], unnamed: Iterable[str], most: int = 20) -> list[str]:
    """Notes of what was not kept, a sentence each up to `most`."""
    notes = [f"{one}: it was not kept" for one in refused]
    notes += [f"{name}: no row that was written names it, so it was not kept" for name in unnamed]
    more = len(notes) - most
    return [*notes[:most], f"{more} more attachments were not kept"] if more > 0 else notes
