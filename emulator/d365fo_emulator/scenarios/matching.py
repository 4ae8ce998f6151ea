"""Whether a rule's matchers fit the facts of a request. Pure.

Globs are `*`, `?` and `[…]`; a list of them means any. Actions are spelt exactly as the service
does; names of entities, groups and companies and ids know no letter case, as in the product.
"""

from __future__ import annotations

import functools
import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CASE_COUNTS = frozenset({"action", "surface"})


def matches(match: Mapping[str, Any], facts: Mapping[str, str | tuple[str, ...]]) -> bool:
    """Whether every matcher fits; a fact with several values fits when one of them does."""
    return all(_fits(name, globs, facts.get(name)) for name, globs in match.items())


def explain_mismatch(match: Mapping[str, Any], facts: Mapping[str, str | tuple[str, ...]]) -> str:
    """The first matcher that differs, in words; empty when all fit."""
    for name, globs in match.items():
        fact = facts.get(name)
        if not _fits(name, globs, fact):
            wanted = " or ".join(repr(glob) for glob in _several(globs))
            seen = "nothing" if fact is None else ", ".join(repr(v) for v in _several(fact))
            return f"{name} is {seen}, not {wanted}"
    return ""


def glob_matches(name: str, glob: str, value: str) -> bool:
    """Whether `value` of the matcher `name` fits one glob."""
    return _compiled(glob, name not in CASE_COUNTS)(value) is not None


def _fits(name: str, globs: Any, fact: str | tuple[str, ...] | None) -> bool:
    if fact is None:
        return False
    return any(glob_matches(name, g, value) for g in _several(globs) for value in _several(fact))


def _several(value: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, (list, tuple)) else (str(value),)


@functools.lru_cache(maxsize=1024)
def _compiled(glob: str, fold: bool) -> Any:
    return re.compile(translate(glob), re.IGNORECASE if fold else 0).match
