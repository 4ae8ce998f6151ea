"""Attachments in `data.db`, beside the rows that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from d365fo_emulator.dmf.attachment_store import Attachment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from d365fo_emulator.storage.database import Database

_FOUND = "FROM attachment WHERE entity = ? AND company = ? AND folded = ?"


class SqliteAttachmentStore:
    """See `dmf.attachment_store.AttachmentStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, attachment: Attachment) -> Sequence[str]:
        """Adds one, or puts it in place of the one of its name; contents nothing names now."""
        key = (attachment.entity, attachment.company, attachment.name.casefold())
        with self._database.write() as connection:
            before = connection.execute(f"SELECT content {_FOUND}", key).fetchall()
            connection.execute(
                "INSERT OR REPLACE INTO attachment (entity, company, folded, name, content, size)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*key, attachment.name, attachment.content, attachment.size),
            )
            return [
                content
                for (content,) in before
                if not connection.execute(
                    "SELECT 1 FROM attachment WHERE content = ? LIMIT 1", (content,)
                ).fetchone()
            ]

    def find(self, entity: str, company: str, name: str) -> Attachment | None:
        """The attachment of this name."""
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT entity, company, name, content, size {_FOUND}",
                (entity, company, name.casefold()),
            ).fetchone()
        return None if row is None else Attachment(*row)

    def names(self, entity: str, company: str) -> Sequence[str]:
        """Names of all attachments that rows of an entity have in a company, by alphabet."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name FROM attachment WHERE entity = ? AND company = ? ORDER BY folded",
                (entity, company),
            ).fetchall()
        return [name for (name,) in rows]

    def contents(self) -> set[str]:
        """Every content that an attachment names."""
        with self._database.read() as connection:
            return {content for (content,) in connection.execute("SELECT content FROM attachment")}
