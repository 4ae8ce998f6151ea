"""The examples of the pages: files are valid, code runs, commands are ones that there are."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path
from types import SimpleNamespace

import azure.identity
import azure.storage.blob
import click
import msal
import pytest
import requests

import d365fo_emulator
from builders import Table, package
from d365fo_emulator.cli.api import Connection, PackageApi
from d365fo_emulator.cli.job import Waiting, start_import, wait_for_end
from d365fo_emulator.cli.main import cli
from d365fo_emulator.config.environment import load_environment
from d365fo_emulator.scenarios.loader import load_text

pytestmark = pytest.mark.evidence("documented")
ROOT = Path(__file__).resolve().parents[2]
GROUPS = Table("Customer groups", ("CUSTOMERGROUPID", "DESCRIPTION"), (("10", "A"), ("20", "B")))
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language on a page."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def run(code: str, names: dict) -> dict:
    exec(compile(code, "example", "exec"), names)
    return names


def import_groups(config: dict, folder: Path) -> str:
    """What the reader's own job does: upload, import, poll to the end, ask for the errors."""
    path = folder / "groups.zip"
    path.write_bytes(package(GROUPS))
    keys = ("base_url", "token_url", "client_id", "client_secret", "resource")
    connection = Connection(*(config[key] for key in keys), company="USMF", ca=config["ca_bundle"])
    api = PackageApi(connection)
    try:
        execution = start_import(api, path, "Customer groups", overwrite=True)
        state = wait_for_end(api, execution, Waiting(0.0, 60.0))
        api.action("GetExecutionErrors", executionId=execution)
    finally:
        api.close()
    return state


@pytest.fixture
def my_job(d365fo, tmp_path):
    def run_job(**config):
        import_groups(config, tmp_path)
        return SimpleNamespace(failed_rows=len(d365fo.executions.last().errors))

    return SimpleNamespace(run=run_job)


def test_the_test_of_the_readme_passes(d365fo, my_job):
    (code,) = blocks("README.md", "python")
    names = run(code, {"my_job": my_job})
    names["test_partial_import_is_reported"](d365fo)


@pytest.mark.d365fo(scenario="partially-succeeded")
def test_the_lines_of_the_fixture_page_run(d365fo, tmp_path):
    (code,) = blocks("docs/fixture.md", "python")
    before, after = code.split("d365fo.executions.only()", 1)
    run(before, {"d365fo": d365fo})
    import_groups(d365fo.client_config(), tmp_path)
    line, rest = after.split("\n", 1)
    # The page's rule refuses row 2, which is 20; 10 is there to be looked at.
    run(f"d365fo.executions.only(){line}\n{rest}", {"d365fo": d365fo})


def test_the_python_of_the_scenarios_page_runs(d365fo):
    (code,) = blocks("docs/scenarios.md", "python")
    run(code, {"emulator": d365fo})
    assert d365fo.parts.scenarios.rules_with_hits()


@pytest.mark.parametrize("number", range(4))
def test_each_python_client_reaches_the_emulator_by_the_lines_of_its_page(
    d365fo_env, number, tmp_path
):
    code = blocks("docs/clients.md", "python")[number]
    config = d365fo_env.client_config()
    api = PackageApi(
        Connection(*(config[k] for k in ("base_url", "token_url", "client_id", "client_secret")),
        config["resource"], "USMF", config["ca_bundle"])
    )  # fmt: skip
    blob = api.action("GetAzureWriteUrl", uniqueFileName="a.zip")
    api.close()
    names = {
        **config,
        "msal": msal,
        "requests": requests,
        "ClientSecretCredential": azure.identity.ClientSecretCredential,
        "BlobClient": azure.storage.blob.BlobClient,
        "blob_url": re.search(r'"BlobUrl":"([^"]+)"', blob).group(1),
    }
    names = run(textwrap.dedent(code), names)
    assert names.get("token", "eyJ").startswith("eyJ")


def test_the_files_on_the_pages_are_valid():
    (scenario,) = blocks("docs/scenarios.md", "yaml")
    assert load_text(scenario, "docs/scenarios.md").rules[0].id == "customers-import"
    (environment,) = blocks("docs/environment.md", "yaml")
    path = ROOT / "docs" / "examples" / "environment.yaml"
    assert environment.strip() == path.read_text("utf-8").strip()
    assert load_environment(path).data_projects[0].name == "nightly-groups"


def test_the_environment_of_its_page_can_be_served():
    path = ROOT / "docs" / "examples" / "environment.yaml"
    with d365fo_emulator.Emulator(environment=path) as emulator:
        assert list(emulator.rows("Customer groups", company="USMF")) == ["10"]
        assert len(emulator.rows("Fabrikam loyalty cards", company="USMF")) == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_line_on_a_page_is_one_that_there_is(page):
    lines = [line for block in blocks(str(page), "sh") for line in block.splitlines()]
    for line in lines:
        for found in re.finditer(r"d365fo-emulator ([^)|>#]+)", line):
            arguments = shlex.split(found.group(1).replace('"$(', "").rstrip('"').strip())
            parse(arguments)


def parse(arguments: list[str]) -> None:
    """Parses a command line as the command does, without doing it."""
    context = cli.make_context("d365fo-emulator", list(arguments), resilient_parsing=True)
    command: click.Command = cli
    words = list(arguments)
    while isinstance(command, click.Group):
        below = command.get_command(context, words.pop(0))
        assert below is not None, arguments
        command = below
    command.make_context("d365fo-emulator", words, parent=context).close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_to_a_file(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    gone = [target for target in targets if not (page.parent / target).exists()]
    assert not gone
