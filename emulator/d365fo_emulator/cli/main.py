"""Entry point of the command."""

from __future__ import annotations


def main() -> None:
    """Runs the command."""
    raise SystemExit("not built yet")
