"""Names and what is nearest to them: for tables of data and for good error messages."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known words most like `word`, best first; letter case does not count."""
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=most, cutoff=0.5)
    return [by_folded[name] for name in close]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, else nothing."""
    close = nearest(word, known, most=1)
    return f"; did you mean {close[0]!r}?" if close else ""
