"""Names and what is nearest to them: for tables of data and for good error messages."""

from __future__ import annotations

import difflib
import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_COMPARED = 300
"""Most words that are compared in full: of ten thousand, those that share most pairs of letters."""


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known words most like `word`, best first; letter case does not count."""
    by_folded = {name.casefold(): name for name in known}
    folded = word.casefold()
    candidates: Iterable[str] = by_folded
    if len(by_folded) > MOST_COMPARED:
        pairs = _pairs(folded)

        def likeness(name: str) -> float:
            theirs = _pairs(name)
            return len(pairs & theirs) / (len(pairs) + len(theirs) or 1)

        candidates = heapq.nlargest(MOST_COMPARED, by_folded, likeness)
    close = difflib.get_close_matches(folded, candidates, n=most, cutoff=0.5)
    return [by_folded[name] for name in close]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, else nothing."""
    close = nearest(word, known, most=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _pairs(word: str) -> set[str]:
    return {word[at : at + 2] for at in range(len(word) - 1)}
