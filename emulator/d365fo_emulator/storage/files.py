"""The two database files of each workspace, made from templates in milliseconds."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from d365fo_emulator.storage import migrations, schema
from d365fo_emulator.storage.database import Database, build_file, create_from_template

if TYPE_CHECKING:
    from pathlib import Path


class WorkspaceFiles:
    """Opens `control.db` and `data.db` of a workspace, creating or migrating them.

    Args:
        templates: a folder for the template files; made at first use.
        durable: see :class:`~d365fo_emulator.storage.database.Database`.

    """

    def __init__(self, templates: Path, *, durable: bool) -> None:
        self._templates = templates
        self._durable = durable
        self._numbers = itertools.count()

    def control(self, folder: Path) -> Database:
        """Projects, executions, blobs, learnt entities."""
        path = folder / "control.db"
        if path.exists():
            migrations.migrate(path, schema.CONTROL_VERSION, migrations.CONTROL_STEPS)
        else:
            self._create("control", schema.CONTROL, schema.CONTROL_VERSION, path)
        return Database(path, durable=self._durable)

    def data(self, folder: Path) -> Database:
        """Staging and target rows, their errors and progress."""
        path = folder / "data.db"
        if path.exists():
            migrations.migrate(path, schema.DATA_VERSION, migrations.DATA_STEPS)
        else:
            self._create("data", schema.DATA, schema.DATA_VERSION, path)
        return Database(path, durable=self._durable)

    def _create(self, name: str, statements: str, version: int, path: Path) -> None:
        template = self._templates / f"{name}-{version}.db"
        if not template.exists():
            self._templates.mkdir(parents=True, exist_ok=True)
            # Built aside and moved into place: two threads may make their first workspace at once.
            draft = template.with_suffix(f".{next(self._numbers)}.draft")
            build_file(draft, statements, version)
            draft.replace(template)
        create_from_template(template, path)
