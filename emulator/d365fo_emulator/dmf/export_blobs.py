"""Exported packages as blobs, and single files out of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from d365fo_emulator.blob.errors import BlobError
from d365fo_emulator.blob.model import PACKAGE_CONTAINER, BlobHeaders
from d365fo_emulator.blob.service import Upload
from d365fo_emulator.dmf.exporting import export_package
from d365fo_emulator.dmf.model import ExecutionState
from d365fo_emulator.dmf.states import summarise
from d365fo_emulator.kernel.errors import EmulatorError
from d365fo_emulator.packages.archive import PackageLimits, open_package

if TYPE_CHECKING:
    from collections.abc import Callable

    from d365fo_emulator.blob.model import Blob
    from d365fo_emulator.blob.service import BlobService
    from d365fo_emulator.dmf.exporting import ExportDeps
    from d365fo_emulator.dmf.model import EntityRun, Execution
    from d365fo_emulator.kernel.workspace import Workspace

LONGEST_NAME = 180
PIECE = 256 * 1024

OUR_OWN = PackageLimits(entries=1 << 31, expanded_bytes=1 << 62, ratio=1 << 31)
"""Rows that repeat shrink to less than a stranger's package may."""


class _NoPackageError(EmulatorError):
    """The export was stopped, or every entity failed: what was written so far is no package."""


class ExportBlobs:
    """What exports leave in the container of packages."""

    def __init__(self, workspace: Workspace, deps: ExportDeps, blob: BlobService) -> None:
        self._workspace = workspace
        self._deps = deps
        self._blob = blob

    def write(
        self,
        execution: Execution,
        report: Callable[[EntityRun], None],
        go_on: Callable[[], bool],
    ) -> tuple[tuple[EntityRun, ...], str | None]:
        """Exports; how each entity ended, and the blob of the package when there is one.

        The blob appears whole and at once, or not at all.
        """
        runs: tuple[EntityRun, ...] = ()

        def produce(sink: Any) -> None:
            nonlocal runs
            runs = export_package(self._deps, execution, sink, report, go_on)
            if not go_on() or summarise(runs)[0] is ExecutionState.FAILED:
                raise _NoPackageError

        try:
            blob = self._blob.write_package(
                PACKAGE_CONTAINER, self._package_name(execution), produce
            )
        except _NoPackageError:
            return runs, None
        return runs, blob.name

    def package(self, execution: Execution) -> Blob | None:
        """The package of an export; None: there is none, or its time is over."""
        if not execution.package:
            return None
        try:
            return self._blob.properties(PACKAGE_CONTAINER, execution.package)
        except BlobError:
            return None

    def file(self, execution: Execution, file_name: str) -> str | None:
        """The blob that holds one file of the package, made when it is first asked for.

        Its name follows the package's content, so that a file of an earlier run under the same
        execution id is never taken for one of this run.
        """
        package = self.package(execution)
        if package is None:
            return None
        mark = self._workspace.ids.fixed(f"file|{package.name}|{package.etag}|{file_name}", 4)
        name = f"{mark.hex()}_{file_name}"
        try:
            return self._blob.properties(PACKAGE_CONTAINER, name).name
        except BlobError:
            return self._extracted(package, file_name, name)

    def _extracted(self, package: Blob, file_name: str, name: str) -> str | None:
        held = self._deps.scratch / f"{self._workspace.ids.octets('held-package').hex()}.zip"
        try:
            self._blob.hold(package, held)
            with open_package(held, OUR_OWN) as archive:
                if not archive.find(file_name):
                    return None

                def produce(sink: Any) -> None:
                    with archive.open(file_name) as stream:
                        shutil.copyfileobj(stream, sink, PIECE)

                upload = Upload(BlobHeaders(content_type="application/octet-stream"))
                self._blob.put_blob(PACKAGE_CONTAINER, name, upload, produce)
        except BlobError:
            return None  # the package went meanwhile
        finally:
            held.unlink(missing_ok=True)
        return name

    def _package_name(self, execution: Execution) -> str:
        """A blob name that every client can put into a path of its own system."""
        wanted = f"{execution.package_name or execution.group}_{execution.id}"
        name = "".join("_" if char in '\\/:*?"<>|' or char < " " else char for char in wanted)
        name = name[-LONGEST_NAME:]
        if name != wanted:  # two ids must not become one name
            name += f"_{self._workspace.ids.fixed(f'package|{wanted}', 4).hex()}"
        return f"{name}_DMFPackage.zip"
