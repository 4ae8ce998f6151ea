"""Reading a list of an environment's entities: the labels and AOT names that `$metadata` lacks.

Taken are the JSON answers of `/metadata/DataEntities` and of sets like
`/data/DataManagementEntities`, an array of such rows, and CSV with a line of names.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from d365fo_emulator.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024
COLUMNS: dict[str, tuple[str, ...]] = {
    "label": ("label", "entityname", "entitylabel"),
    "name": ("name", "aotname", "targetentity", "type"),
    "collection": ("collection", "publiccollectionname", "entitysetname", "collectionname"),
    "public_name": ("publicentityname", "publicname"),
    "category": ("entitycategory", "category"),
    "staging": ("staging", "stagingtable", "entitytable"),
    "shared": ("isshared",),
    "read_only": ("isreadonly", "readonly"),
}
"""What is known of an entity, by the names of it in lists (blanks and letter case left out)."""
CATEGORIES = frozenset(
    {"Master", "Configuration", "Transaction", "Reference", "Document", "Parameters"}
)
YES = frozenset({"yes", "true", "1"})


@dataclass(frozen=True)
class ListedEntity:
    """One row of a list; "" and None: the list does not say."""

    label: str = ""
    name: str = ""
    collection: str = ""
    public_name: str = ""
    category: str = ""
    staging: str = ""
    shared: bool | None = None
    read_only: bool = False


class EntityList:
    """The rows of a list, found by collection or by the name of the OData type."""

    def __init__(self, rows: Iterable[ListedEntity] = ()) -> None:
        self.rows = tuple(rows)
        self._by_collection = {row.collection.casefold(): row for row in self.rows}
        self._by_public_name = {row.public_name.casefold(): row for row in self.rows}

    def find(self, collection: str, public_name: str) -> ListedEntity | None:
        """The row of a set, or of its type."""
        for known, name in (
            (self._by_collection, collection),
            (self._by_public_name, public_name),
        ):
            if name and (row := known.get(name.casefold())):
                return row
        return None


def read_entity_list(path: Path) -> EntityList:
    """Reads a list; what it is (JSON or CSV) is seen from its first character.

    Raises:
        ConfigurationError: unreadable, too large, or without a column that could be used.

    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{path}: more than {MOST_BYTES} bytes are no entity list")
        text = _text(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    rows = _json_rows(text, path) if text.lstrip()[:1] in ("{", "[") else _csv_rows(text)
    listed = [one for row in rows if (one := _listed(row))]
    if not listed:
        known = ", ".join(names[0] for names in COLUMNS.values())
        raise ConfigurationError(
            f"{path}: the list names no collection; its columns may be called {known}"
        )
    return EntityList(listed)


def _text(content: bytes) -> str:
    """UTF-16 where its byte order mark is (spreadsheets save so), else UTF-8."""
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


def _json_rows(text: str, path: Path) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: no JSON: {error}") from None
    rows = document.get("value") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise ConfigurationError(f"{path}: a list is an array, or an object with one as value")
    return [row for row in rows if isinstance(row, dict)]


def _csv_rows(text: str) -> list[Mapping[str, Any]]:
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        return []


def _listed(row: Mapping[Any, Any]) -> ListedEntity | None:
    folded = {
        "".join(key.split()).replace("_", "").casefold(): value
        for key, value in row.items()
        if isinstance(key, str)
    }
    said: dict[str, str] = {}
    for part, names in COLUMNS.items():
        value = next((folded[name] for name in names if folded.get(name) is not None), "")
        said[part] = str(value).strip()
    if not said["collection"] and not said["public_name"]:
        return None
    shared = said["shared"]
    return ListedEntity(
        label="" if said["label"].startswith("@") else said["label"],
        name=said["name"],
        collection=said["collection"],
        public_name=said["public_name"],
        category=said["category"] if said["category"] in CATEGORIES else "",
        staging=said["staging"],
        shared=shared.casefold() in YES if shared else None,
        read_only=said["read_only"].casefold() in YES,
    )
