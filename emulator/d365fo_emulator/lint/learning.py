"""What the environment file lets the catalogue learn from packages, without a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.kernel.errors import ConfigurationError, NotEmulated
from d365fo_emulator.packages.archive import MANIFEST, open_package
from d365fo_emulator.packages.errors import PackageRefused, SourceUnreadable
from d365fo_emulator.packages.manifest import parse_manifest
from d365fo_emulator.packages.mapping import staging_name

if TYPE_CHECKING:
    from pathlib import Path

    from d365fo_emulator.entities.catalogue import Catalogue


def learn_package(catalogue: Catalogue, path: Path) -> None:
    """Learns the entities of a package as the import call does.

    Raises:
        ConfigurationError: the package cannot be read.

    """
    try:
        with open_package(path) as package, package.open(MANIFEST) as stream:
            manifest = parse_manifest(stream)
    except (PackageRefused, SourceUnreadable, NotEmulated, OSError) as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    for plan in manifest.entities:
        if not plan.disabled:
            columns = [staging_name(one) for one in plan.maps or ()]
            catalogue.learn(plan.label, plan.target_entity, columns)
