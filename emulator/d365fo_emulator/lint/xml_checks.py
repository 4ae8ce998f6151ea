"""Checks of an XML file's bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from d365fo_emulator.packages.errors import LimitExceeded, SourceUnreadable

if TYPE_CHECKING:
    from d365fo_emulator.packages.archive import Package

PIECE = 256 * 1024
OVERLAP = 8
_CONTROL = re.compile(
    rb"[\x01-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|x0*(?:[0-8]|[bBcCeEfF]|1[0-9a-fA-F]));"
)


def has_control_characters(package: Package, name: str) -> bool:
    """Whether the file holds characters that XML cannot, plain or written as numbers."""
    tail = b""
    try:
        with package.open(name) as stream:
            while piece := stream.read(PIECE):
                if _CONTROL.search(tail + piece):
                    return True
                tail = piece[-OVERLAP:]
    except (SourceUnreadable, LimitExceeded):
        return False
    return False
