"""Metadata of blobs in `control.db`."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from d365fo_emulator.blob.model import Blob, BlobHeaders, Block, CommittedBlock

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from d365fo_emulator.storage.database import Database

_GET = "SELECT * FROM blob WHERE container = ? AND name = ?"
_PUT = """
INSERT OR REPLACE INTO blob (container, name, content, size, md5, etag, created_at, modified_at,
  headers, metadata, blocks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CONTENTS_OF_NAME = """
SELECT content FROM blob WHERE container = :container AND name = :name
UNION SELECT content FROM block WHERE container = :container AND name = :name
"""
_BLOCKS = """
SELECT block_id, content, size FROM block WHERE container = ? AND name = ? ORDER BY number
"""
_BLOCK_CONTENT = """
SELECT content FROM block WHERE container = :container AND name = :name AND block_id = :block_id
"""
_PUT_BLOCK = """
INSERT INTO block (container, name, block_id, content, size, number)
SELECT :container, :name, :block_id, :content, :size, COALESCE(MAX(number), 0) + 1
FROM block WHERE container = :container AND name = :name
ON CONFLICT DO UPDATE SET content = excluded.content, size = excluded.size
"""


class SqliteBlobStore:
    """The blob store of one workspace; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, container: str, name: str) -> Blob | None:
        """The committed blob of this name."""
        with self._database.read() as connection:
            cursor = connection.execute(_GET, (container, name))
            row = cursor.fetchone()
            columns = [column[0] for column in cursor.description]
        return None if row is None else _blob(dict(zip(columns, row, strict=True)))

    def put(self, blob: Blob) -> Sequence[str]:
        """Makes `blob` the one of its name, drops its staged blocks; returns orphaned contents."""
        with self._database.write() as connection:
            before = _contents(connection, blob.container, blob.name)
            connection.execute(_PUT, _row(blob))
            _drop_blocks(connection, blob.container, blob.name)
        return _orphans(before, {blob.content})

    def delete(self, container: str, name: str) -> Sequence[str]:
        """Removes the blob and its staged blocks; returns orphaned contents."""
        with self._database.write() as connection:
            before = _contents(connection, container, name)
            connection.execute(
                "DELETE FROM blob WHERE container = ? AND name = ?", (container, name)
            )
            _drop_blocks(connection, container, name)
        return _orphans(before, set())

    def blocks(self, container: str, name: str) -> Sequence[Block]:
        """Staged blocks of this name, in order of staging."""
        with self._database.read() as connection:
            rows = connection.execute(_BLOCKS, (container, name)).fetchall()
        return [Block(block_id, content, size) for block_id, content, size in rows]

    def first_block(self, container: str, name: str) -> Block | None:
        """The block of this name staged first."""
        with self._database.read() as connection:
            row = connection.execute(f"{_BLOCKS} LIMIT 1", (container, name)).fetchone()
        return None if row is None else Block(*row)

    def put_block(self, container: str, name: str, block: Block) -> Sequence[str]:
        """Stages a block, in place of one of the same id; returns orphaned contents.

        One staged again keeps its place in the order.
        """
        values = {"container": container, "name": name, **dataclasses.asdict(block)}
        with self._database.write() as connection:
            replaced = connection.execute(_BLOCK_CONTENT, values).fetchall()
            connection.execute(_PUT_BLOCK, values)
        return _orphans({content for (content,) in replaced}, {block.content})

    def contents(self) -> set[str]:
        """Every content that a blob or block names."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT content FROM blob UNION SELECT content FROM block")
            return {content for (content,) in rows.fetchall()}


def _contents(connection: sqlite3.Connection, container: str, name: str) -> set[str]:
    rows = connection.execute(_CONTENTS_OF_NAME, {"container": container, "name": name})
    return {content for (content,) in rows.fetchall()}


def _drop_blocks(connection: sqlite3.Connection, container: str, name: str) -> None:
    connection.execute("DELETE FROM block WHERE container = ? AND name = ?", (container, name))


def _orphans(before: Iterable[str], after: set[str]) -> Sequence[str]:
    return sorted(set(before) - after)


def _row(blob: Blob) -> tuple[Any, ...]:
    return (
        blob.container,
        blob.name,
        blob.content,
        blob.size,
        blob.md5,
        blob.etag,
        blob.created_at.isoformat(),
        blob.modified_at.isoformat(),
        json.dumps(dataclasses.asdict(blob.headers)),
        json.dumps(dict(blob.metadata)),
        json.dumps([[block.block_id, block.size] for block in blob.blocks]),
    )


def _blob(row: dict[str, Any]) -> Blob:
    return Blob(
        container=row["container"],
        name=row["name"],
        content=row["content"],
        size=row["size"],
        md5=row["md5"],
        etag=row["etag"],
        created_at=dt.datetime.fromisoformat(row["created_at"]),
        modified_at=dt.datetime.fromisoformat(row["modified_at"]),
        headers=BlobHeaders(**json.loads(row["headers"])),
        metadata=json.loads(row["metadata"]),
        blocks=tuple(
            CommittedBlock(block_id, size) for block_id, size in json.loads(row["blocks"])
        ),
    )
