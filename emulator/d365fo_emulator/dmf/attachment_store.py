"""Where attachments of rows are listed (implemented in `storage`); their bytes are files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Attachment:
    """A file that rows of an entity name.

    Attributes:
        entity: AOT name.
        company: in capitals; "" of entities that all companies share.
        name: below the entity's folder in a package, with `/`; never a path of the file system.
        content: name of the bytes in the content store.
        size: in bytes.

    """

    entity: str
    company: str
    name: str
    content: str
    size: int


class AttachmentStore(Protocol):
    """Attachments of one workspace; names and companies are found without letter case."""

    def put(self, attachment: Attachment) -> Sequence[str]:
        """Adds one, or puts it in place of the one of its name; contents nothing names now."""
        ...

    def find(self, entity: str, company: str, name: str) -> Attachment | None:
        """The attachment of this name."""
        ...

    def names(self, entity: str, company: str) -> Sequence[str]:
        """Names of all attachments that rows of an entity have in a company."""
        ...

    def contents(self) -> set[str]:
        """Every content that an attachment names."""
        ...
