"""How answers are printed: tables on a terminal, plain lines elsewhere, JSON when asked."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print the answer as JSON."
)


def print_json(document: Any) -> None:
    """`document`, indented."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def is_terminal() -> bool:
    """Whether a person reads along."""
    return sys.stdout.isatty()


def print_table(
    head: Sequence[str], rows: Sequence[Sequence[Any]], *, whole: Sequence[str] = ()
) -> None:
    """A table on a terminal; elsewhere one line a row, values separated by tabs, no head.

    Args:
        head: the names of the columns.
        rows: their values; None shows as nothing.
        whole: columns that are never broken or cut, because people copy from them.

    """
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    if not is_terminal():
        for row in texts:
            click.echo("\t".join(" ".join(text.split()) for text in row))
        return
    from rich.console import Console  # noqa: PLC0415  only terminals need it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(name, no_wrap=name in whole, overflow="fold")
    for row in texts:
        table.add_row(*(Text(text) for text in row))
    Console().print(table)


def note(text: str) -> None:
    """A line for people, beside what goes to standard output."""
    click.echo(text, err=True)
