"""Folders that are removed beside the work that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from d365fo_emulator.emulator.server import Emulator
from d365fo_emulator.emulator.sweeping import Sweeper

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.evidence("inferred")


def test_all_folders_are_gone_when_the_sweeper_is_closed(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(20)]
    sweeper = Sweeper()
    for folder in folders:
        (folder / "content").mkdir(parents=True)
        sweeper.remove(folder)
    sweeper.close()
    assert not list(tmp_path.iterdir())


def test_a_sweeper_without_work_closes_and_one_that_is_closed_can_go_on(tmp_path: Path) -> None:
    sweeper = Sweeper()
    sweeper.close()
    (tmp_path / "folder").mkdir()
    sweeper.remove(tmp_path / "folder")
    sweeper.close()
    assert not list(tmp_path.iterdir())


def test_a_workspace_made_again_at_once_keeps_nothing_of_the_former_one(tmp_path: Path) -> None:
    with Emulator(data_dir=tmp_path) as emulator:
        folders = set()
        for _ in range(5):
            view = emulator.create_workspace("again")
            folder = view.parts.workspace.folder
            assert not list(folder.glob("marker"))
            (folder / "marker").touch()
            folders.add(folder)
            emulator.drop_workspace("again")
    assert len(folders) == 5
    assert not [folder for folder in folders if folder.exists()]
