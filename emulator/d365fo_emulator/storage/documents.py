"""Values as JSON documents in the control database."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def encode(value: Any) -> str:
    """`value` (frozen dataclasses, tuples, times, enumerations) as JSON."""
    import msgspec  # noqa: PLC0415  not before the first document

    return msgspec.json.encode(value).decode()


def decode(document: str, kind: type[T]) -> T:
    """The value that `encode` made, checked against `kind`."""
    import msgspec  # noqa: PLC0415  as above

    return msgspec.json.decode(document, type=kind)
