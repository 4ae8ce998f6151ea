"""The blob service: rules of uploads, blocks, downloads and SAS URLs, once, above the stores."""

from __future__ import annotations

import base64
import datetime as dt
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from d365fo_emulator.blob import sas
from d365fo_emulator.blob.address import BlobAddress, own_url, url_path
from d365fo_emulator.blob.blocklist import check_block_id, locate_blocks
from d365fo_emulator.blob.conditions import ALWAYS, Conditions
from d365fo_emulator.blob.content import check_md5, write_content
from d365fo_emulator.blob.errors import BlobError
from d365fo_emulator.blob.model import (
    PACKAGE_CONTAINER,
    Blob,
    BlobHeaders,
    Block,
    CommittedBlock,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from d365fo_emulator.blob.content import Sink
    from d365fo_emulator.blob.model import Extent
    from d365fo_emulator.blob.store import BlobStore, ContentStore
    from d365fo_emulator.kernel.workspace import Workspace


@dataclass(frozen=True)
class Upload:
    """What a write says beside its bytes.

    Attributes:
        md5s: base64; each is compared with the content's. Of a block list, the first is stored
            as it is.
        create_only: the signature allows to make a blob and not to replace one (`sp=c`).

    """

    headers: BlobHeaders = field(default_factory=BlobHeaders)
    metadata: Mapping[str, str] = field(default_factory=dict)
    md5s: tuple[str, ...] = ()
    conditions: Conditions = ALWAYS
    create_only: bool = False


class BlobService:
    """The blobs of one workspace; safe to use from several threads.

    Args:
        issued: told the signature of each URL that is handed out.
        containers: those that exist.

    """

    def __init__(
        self,
        workspace: Workspace,
        store: BlobStore,
        content: ContentStore,
        issued: Callable[[str], None] = lambda _signature: None,
        containers: frozenset[str] = frozenset({PACKAGE_CONTAINER}),
    ) -> None:
        self.workspace = workspace
        self._store = store
        self._content = content
        self._issued = issued
        self._containers = containers
        # Conditions are looked at and the blob is changed in one step; bytes move outside of it.
        self._changing = threading.Lock()

    # Uploads

    def put_blob(
        self, container: str, name: str, upload: Upload, produce: Callable[[Sink], object]
    ) -> Blob:
        """Stores a whole blob: readers see the old one until `produce` has written the new.

        Conditions are checked before the first byte, and again when the new blob takes its place.
        Staged blocks of the name are discarded (documented).

        Raises:
            BlobError: a condition, an MD5 that differs, an unknown container.

        """
        for md5 in upload.md5s:
            check_md5(md5)
        self._check_change(container, name, upload)
        content, measured = write_content(self._content, produce, upload.md5s, hashed=True)
        try:
            with self._changing:
                old = self._check_change(container, name, upload)
                blob = self._new_blob(
                    container, name, content, measured.size, measured.md5, upload, old
                )
                orphans = self._store.put(blob)
        except BaseException:
            self._content.delete([content])
            raise
        self._content.delete(orphans)
        return blob

    def put_block(
        self,
        container: str,
        name: str,
        block_id: str,
        md5: str,
        produce: Callable[[Sink], object],
    ) -> None:
        """Stages a block; one of the same id is replaced. `md5` may be empty.

        Raises:
            BlobError: an id that is no base64 or of another length than those staged (those of
                an older, committed blob do not count: clients differ in length), a wrong MD5.

        """
        check_block_id(block_id)
        md5s = [md5] if md5 else []
        for each in md5s:
            check_md5(each)
        self._check_container(container)
        self._check_id_length(container, name, block_id)
        content, measured = write_content(self._content, produce, md5s, hashed=bool(md5s))
        try:
            with self._changing:
                self._check_id_length(container, name, block_id)
                block = Block(block_id, content, measured.size)
                orphans = self._store.put_block(container, name, block)
        except BaseException:
            self._content.delete([content])
            raise
        self._content.delete(orphans)

    def put_block_list(
        self, container: str, name: str, entries: Sequence[tuple[str, str]], upload: Upload
    ) -> Blob:
        """Makes the blob that `entries`, pairs of (list, block id), describe.

        Properties and metadata are replaced as a whole; `upload.md5` is kept unchecked
        (documented). An empty list makes an empty blob.

        Raises:
            BlobError: `InvalidBlockList` for an id that its list lacks; a condition.

        """
        for md5 in upload.md5s:
            check_md5(md5)
        while True:
            plan = self._plan(container, name, entries, upload)
            try:
                content = self._content.concatenate(plan)
            except FileNotFoundError:
                if self._plan(container, name, entries, upload) == plan:
                    raise  # stored bytes are really gone, not replaced by another upload
                continue
            blob = self._commit_blocks(container, name, entries, upload, plan, content)
            if blob is not None:
                return blob

    def write_package(self, container: str, name: str, produce: Callable[[Sink], object]) -> Blob:
        """Stores what the service itself produces, such as an exported package."""
        upload = Upload(BlobHeaders(content_type="application/zip"))
        return self.put_blob(container, name, upload, produce)

    # Reading

    def properties(self, container: str, name: str, conditions: Conditions = ALWAYS) -> Blob:
        """The committed blob.

        Raises:
            BlobError: `ContainerNotFound`, `BlobNotFound`, a condition.

        """
        blob = self._existing(container, name)
        conditions.check_read(blob)
        return blob

    def open(
        self, container: str, name: str, conditions: Conditions = ALWAYS
    ) -> tuple[Blob, BinaryIO]:
        """The committed blob and its bytes, which the caller closes.

        Raises:
            BlobError: as :meth:`properties`.

        """
        while True:
            blob = self.properties(container, name, conditions)
            try:
                return blob, self._content.open(blob.content)
            except FileNotFoundError:
                if self._current(container, name) == blob:
                    raise  # the bytes are gone though nobody replaced the blob

    def hold(self, blob: Blob, target: Path) -> None:
        """Keeps the bytes of `blob` at `target`, whatever becomes of the blob.

        Raises:
            BlobError: `BlobNotFound`: it was deleted or replaced meanwhile.

        """
        try:
            self._content.hold(blob.content, target)
        except FileNotFoundError:
            raise BlobError("BlobNotFound", reason="the blob was replaced meanwhile") from None

    def block_list(
        self, container: str, name: str
    ) -> tuple[Blob | None, Sequence[CommittedBlock], Sequence[Block]]:
        """The blob, its committed blocks and the staged ones.

        Raises:
            BlobError: `BlobNotFound` when there is neither a blob nor a staged block.

        """
        self._check_container(container)
        blob = self._current(container, name)
        staged = self._store.blocks(container, name)
        if blob is None and not staged:
            raise BlobError("BlobNotFound")
        return blob, blob.blocks if blob else (), staged

    def delete(self, container: str, name: str, conditions: Conditions = ALWAYS) -> None:
        """Removes the blob and the blocks staged for its name.

        Raises:
            BlobError: `BlobNotFound`, a condition.

        """
        with self._changing:
            conditions.check_write(self._existing(container, name))
            orphans = self._store.delete(container, name)
        self._content.delete(orphans)

    # URLs

    def issue_url(
        self,
        base_url: str,
        container: str,
        name: str,
        permissions: str,
        start: dt.datetime,
        end: dt.datetime,
    ) -> str:
        """A SAS URL of a blob, path style below `base_url`, in the form recorded."""
        address = BlobAddress(self.workspace.storage_account, container, name)
        query = sas.mint(address, self.workspace.storage_key, permissions, start, end)
        self._issued(sas.signature_of(sas.read_query(query)))
        return f"{base_url}{url_path(address)}?{query}"

    def package_from_url(self, url: str, is_own_base: Callable[[str], bool]) -> Blob:
        """The blob that a SAS URL of ours leads to. Nothing is ever requested from anywhere.

        Args:
            url: as a caller passed it.
            is_own_base: whether `scheme://host:port` is an address of this server.

        Raises:
            ForeignUrl: it leads elsewhere.
            BlobError: the signature does not allow to read, or there is no such blob.

        """
        own = own_url(url, self.workspace.storage_account, is_own_base)
        parameters = sas.read_query(own.query)
        self.authorize(own.address, parameters, secure=own.secure, permissions="r")
        return self.properties(own.address.container, own.address.name)

    def authorize(
        self,
        address: BlobAddress,
        parameters: Sequence[tuple[str, str]],
        *,
        secure: bool,
        permissions: str,
        remote_address: str = "",
    ) -> sas.Grant:
        """Checks a signature and that it allows one of `permissions`.

        Raises:
            BlobError: anonymous, refused, or `AuthorizationPermissionMismatch`.

        """
        if not sas.signature_of(parameters):
            raise BlobError("PublicAccessNotPermitted", reason="the URL has no SAS (sig)")
        grant = sas.verify(
            parameters,
            address,
            self.workspace.storage_key,
            sas.Circumstances(self.workspace.clock.now, secure, remote_address),
        )
        if not set(permissions) & set(grant.permissions):
            raise BlobError(
                "AuthorizationPermissionMismatch",
                reason=f"the SAS allows {grant.permissions!r}; one of {permissions!r} is needed",
            )
        return grant

    # Steps

    def _plan(
        self, container: str, name: str, entries: Sequence[tuple[str, str]], upload: Upload
    ) -> list[Extent]:
        """Where the bytes of each listed block lie now."""
        blob = self._check_change(container, name, upload)
        return locate_blocks(entries, blob, self._store.blocks(container, name))

    def _commit_blocks(
        self,
        container: str,
        name: str,
        entries: Sequence[tuple[str, str]],
        upload: Upload,
        plan: Sequence[Extent],
        content: str,
    ) -> Blob | None:
        """Puts the assembled blob in place; None when its blocks changed meanwhile."""
        try:
            with self._changing:
                old = self._current(container, name)
                if self._plan(container, name, entries, upload) != plan:
                    self._content.delete([content])
                    return None
                size = sum(extent.size for extent in plan)
                blocks = tuple(
                    CommittedBlock(block_id, extent.size)
                    for (_, block_id), extent in zip(entries, plan, strict=True)
                )
                blob = self._new_blob(
                    container, name, content, size, next(iter(upload.md5s), ""), upload, old, blocks
                )
                orphans = self._store.put(blob)
        except BaseException:
            self._content.delete([content])
            raise
        self._content.delete(orphans)
        return blob

    def _new_blob(
        self,
        container: str,
        name: str,
        content: str,
        size: int,
        md5: str,
        upload: Upload,
        old: Blob | None,
        blocks: tuple[CommittedBlock, ...] = (),
    ) -> Blob:
        now = self.workspace.clock.now
        return Blob(
            container=container,
            name=name,
            content=content,
            size=size,
            md5=md5,
            etag=f'"0x8D{self.workspace.ids.octets("etag", 7).hex().upper()[:13]}"',
            created_at=old.created_at if old else now,
            modified_at=now,
            headers=upload.headers,
            metadata=upload.metadata,
            blocks=blocks,
        )

    def _check_container(self, container: str) -> None:
        if container not in self._containers:
            raise BlobError("ContainerNotFound", reason=f"there is no container {container!r}")

    def _check_change(self, container: str, name: str, upload: Upload) -> Blob | None:
        self._check_container(container)
        blob = self._current(container, name)
        if blob is not None and upload.create_only:
            raise BlobError("UnauthorizedBlobOverwrite")
        upload.conditions.check_write(blob)
        return blob

    def _current(self, container: str, name: str) -> Blob | None:
        """The committed blob, unless its time is over: then it is removed.

        Files live for seven days (documented for the package API); a blob that is asked for later
        is gone, by the workspace's clock.
        """
        blob = self._store.get(container, name)
        kept_for = dt.timedelta(days=self.workspace.settings.keep_files_days)
        if blob is None or self.workspace.clock.now < blob.modified_at + kept_for:
            return blob
        self._content.delete(self._store.delete(container, name))
        return None

    def _existing(self, container: str, name: str) -> Blob:
        self._check_container(container)
        blob = self._current(container, name)
        if blob is None:
            raise BlobError("BlobNotFound", reason=f"there is no blob {name!r} in {container!r}")
        return blob

    def _check_id_length(self, container: str, name: str, block_id: str) -> None:
        first = self._store.first_block(container, name)
        if first and len(base64.b64decode(first.block_id)) != len(base64.b64decode(block_id)):
            raise BlobError("InvalidBlobOrBlock", reason="block ids of one blob differ in length")
