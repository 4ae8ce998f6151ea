"""Checks of what clients did, against the journal."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from d365fo_emulator.journal.model import Entry, facts_of
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MATCHERS = {
    "surface": "surface",
    "action": "action",
    "definition_group": "definitionGroup",
    "legal_entity": "legalEntity",
    "entity": "entity",
    "execution_id": "executionId",
    "client_id": "clientId",
    "operation": "operation",
    "method": "method",
    "path": "path",
    "status": "status",
}
"""What can be asked for, in Python's spelling, to the spelling of scenario files and facts."""

SHOWN = 20


class VerificationFailed(AssertionError):
    """The journal does not hold what was expected; the message lists what it holds."""


def matching(entries: Iterable[Entry], match: Mapping[str, Any]) -> list[Entry]:
    """The entries that fit all of `match`: globs or lists of globs; letter case does not count.

    Raises:
        ValueError: a matcher that there is not.

    """
    wanted = {_fact_name(name): _globs(value) for name, value in match.items()}
    return [entry for entry in entries if not _differs(entry, wanted)]


def verify(
    entries: Iterable[Entry],
    match: Mapping[str, Any],
    count: int | None = None,
    at_least: int | None = None,
    at_most: int | None = None,
) -> list[Entry]:
    """Returns the matching entries when they are as many as expected (by default at least one).

    Raises:
        VerificationFailed: there are more or fewer.
        ValueError: a matcher that there is not.

    """
    seen = list(entries)
    found = matching(seen, match)
    if count is None and at_least is None and at_most is None:
        at_least = 1
    low = max(count or 0, at_least or 0)
    highs = [number for number in (count, at_most) if number is not None]
    if len(found) < low or (highs and len(found) > min(highs)):
        expected = _expected(count, at_least, at_most)
        raise VerificationFailed(_difference(match, expected, found, seen))
    return found


def _expected(count: int | None, at_least: int | None, at_most: int | None) -> str:
    words = (("exactly", count), ("at least", at_least), ("at most", at_most))
    return " and ".join(f"{word} {number}" for word, number in words if number is not None)


def _difference(
    match: Mapping[str, Any], expected: str, found: list[Entry], seen: list[Entry]
) -> str:
    asked = ", ".join(f"{name}={value!r}" for name, value in match.items()) or "any call"
    lines = [f"expected {expected} of {asked}; found {len(found)} among {len(seen)} calls"]
    lines += [f"  matched: {entry.line()}" for entry in found[-SHOWN:]]
    wanted = {_fact_name(name): _globs(value) for name, value in match.items()}
    others = [(entry, _differs(entry, wanted)) for entry in seen]
    others = [(entry, why) for entry, why in others if why]
    nearest = sorted(others, key=lambda other: len(other[1]))[: SHOWN - min(len(found), SHOWN)]
    lines += [f"  not:     {entry.line()}: {'; '.join(why)}" for entry, why in nearest]
    return "\n".join(lines)


def _differs(entry: Entry, wanted: Mapping[str, tuple[str, ...]]) -> list[str]:
    facts = facts_of(entry)
    return [
        f"{name} is {' or '.join(map(repr, facts.get(name, ()))) or 'not known'}"
        for name, globs in wanted.items()
        if not any(
            fnmatchcase(fact.casefold(), glob.casefold())
            for fact in facts.get(name, ())
            for glob in globs
        )
    ]


def _globs(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else (str(value),)


def _fact_name(name: str) -> str:
    if name in MATCHERS:
        return MATCHERS[name]
    if name in MATCHERS.values():
        return name
    raise ValueError(f"calls cannot be matched by {name!r}{did_you_mean(name, MATCHERS)}")
