"""How far something is: one line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from d365fo_emulator.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Says where something is. Elsewhere than on a terminal a share of the way is left out."""
    if not sys.stderr.isatty():
        yield _say_plainly
        return
    from rich.console import Console  # noqa: PLC0415  only terminals need it
    from rich.markup import escape  # noqa: PLC0415

    with Console(stderr=True).status("…") as status:
        yield lambda text: status.update(escape(text))


def _say_plainly(text: str) -> None:
    if " % " not in text:
        note(text)
