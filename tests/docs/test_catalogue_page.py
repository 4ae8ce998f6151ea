"""The examples of the page on one's own entities: the commands run, and the files are served."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from d365fo_emulator import Emulator
from d365fo_emulator.cli.main import run
from written_packages import written

pytestmark = pytest.mark.evidence("documented")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "catalogue.md").read_text("utf-8")
EXAMPLES = ROOT / "docs" / "examples"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def in_a_folder_with_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("metadata.xml", "entities.csv"):
        shutil.copy(EXAMPLES / name, tmp_path)
    package = written("Fabrikam loyalty cards", "FabLoyaltyCardEntity", ["CARDNUMBER", "ACTIVE"],
                      [["A1", "Yes"]], "CSV")  # fmt: skip
    (tmp_path / "loyalty-cards.zip").write_bytes(package)


def command(*words):
    """Runs the page's command that has these words; its exit code."""
    lines = "".join(blocks("sh")).splitlines()
    (line,) = (one for one in lines if all(word in one for word in words))
    return run(shlex.split(line)[1:])


def test_a_metadata_document_becomes_entities_that_the_page_shows(capsys):
    assert command("import metadata.xml") == 0
    Path("environment.yaml").write_text(blocks("yaml")[0], "utf-8")
    capsys.readouterr()
    assert command("FabLoyaltyCardEntity", "--json") == 0
    shown = capsys.readouterr().out
    assert '"Fabrikam loyalty cards"' in shown
    assert '"Gold"' in shown
    with Emulator(environment="environment.yaml") as emulator:
        entity = emulator.parts.catalogue.find("FabrikamLoyaltyCards")
        assert entity.find_field("CardLevel").enum_numbers == {0: "Basic", 10: "Gold"}


def test_a_package_teaches_its_entity():
    assert command("learn loyalty-cards.zip") == 0
    environment = {"version": 1, "entities": [{"definitions": "own.jsonl"}]}
    with Emulator(environment=environment) as emulator:
        assert emulator.parts.catalogue.find("FabLoyaltyCardEntity").keys == ("CARDNUMBER",)


def test_what_is_written_by_hand_is_served():
    Path("environment.yaml").write_text(blocks("yaml")[1], "utf-8")
    with Emulator(environment="environment.yaml") as emulator:
        catalogue = emulator.parts.catalogue
        assert catalogue.find("Fabrikam loyalty cards").find_field("CARDLEVEL").enum == (
            "Basic",
            "Gold",
        )
        assert catalogue.find_composite("Fabrikam orders").entities == (
            "SalesOrderHeaderV2Entity",
            "SalesOrderLineV2Entity",
        )


def test_a_builtin_entity_is_shown(capsys):
    assert command("show CustomersV3") == 0
    assert "CUSTOMERACCOUNT" in capsys.readouterr().out
