"""The pytest plugin: a shared server, and a fresh workspace for each test.

It is loaded in every test run of an environment that has the package, used or not, so it imports
nothing but pytest before a fixture is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from d365fo_emulator.emulator.server import Emulator
    from d365fo_emulator.emulator.view import WorkspaceView

MARKER = "d365fo"
SECTION = "d365fo journal"
SHOWN_CALLS = 20
LIBRARY_SETTING = "d365fo_library_variables"
UNBUILT_OPTIONS = {
    "--d365fo-url": "d365fo_url",
    "--d365fo-process": "d365fo_process",
    "--d365fo-artifacts": "d365fo_artifacts",
}
MARKER_ARGUMENTS = ("environment", "scenario", "clock", "conduct")

_JOURNAL = pytest.StashKey[list[str]]()
_VIEW = pytest.StashKey["WorkspaceView"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options; those not built yet are refused by name when they are used."""
    group = parser.getgroup("d365fo", "Dynamics 365 Finance & Operations emulator")
    group.addoption("--d365fo-url", metavar="URL", help="use a running emulator (not built yet)")
    group.addoption(
        "--d365fo-process", action="store_true", help="run it as a process (not built yet)"
    )
    group.addoption("--d365fo-artifacts", metavar="DIR", help="keep evidence (not built yet)")
    parser.addini(
        LIBRARY_SETTING,
        "whether d365fo_env also sets REQUESTS_CA_BUNDLE, SSL_CERT_FILE, AZURE_* and so on",
        type="bool",
        default=True,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known and refuses options that nothing stands behind yet."""
    arguments = ", ".join(f"{name}=" for name in MARKER_ARGUMENTS)
    config.addinivalue_line("markers", f"{MARKER}({arguments}): how the test's workspace begins")
    for option, name in UNBUILT_OPTIONS.items():
        if config.getoption(name):
            raise pytest.UsageError(f"{option} is not built yet")


@pytest.fixture(scope="session")
def d365fo_server() -> Iterator[Emulator]:
    """One emulator for the whole run, in this process, on free ports."""
    from d365fo_emulator.emulator.server import Emulator  # noqa: PLC0415  see the module's text

    with Emulator() as server:
        yield server


@pytest.fixture
def d365fo(request: pytest.FixtureRequest, d365fo_server: Emulator) -> Iterator[WorkspaceView]:
    """A workspace of this test alone; its ids follow from the test's name, so a rerun has the same.

    Afterwards an exception inside of the emulator, or a `required` rule that was never used, is an
    error of the test.
    """
    item = request.node
    failures_before = len(d365fo_server.failures)
    view = d365fo_server.create_workspace(item.nodeid, **_marker_options(item))
    item.stash[_VIEW] = view
    try:
        yield view
        item.stash[_JOURNAL] = view.parts.journal.excerpt(SHOWN_CALLS)
        unused = view.parts.scenarios.unused_required()
    finally:
        del item.stash[_VIEW]
        d365fo_server.drop_workspace(item.nodeid)
    for _workspace, error in d365fo_server.failures[failures_before:]:
        raise error
    if unused:
        pytest.fail(f"rules that are required were never used: {', '.join(unused)}", pytrace=False)


@pytest.fixture
def d365fo_env(
    d365fo: WorkspaceView, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> WorkspaceView:
    """`d365fo`, and the environment variables set that point clients at it."""
    from d365fo_emulator.admin.connection import environment_variables  # noqa: PLC0415  as above

    variables = environment_variables(
        d365fo.parts.directory,
        d365fo.https_url or d365fo.http_url,
        d365fo.ca_bundle,
        libraries=bool(pytestconfig.getini(LIBRARY_SETTING)),
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return d365fo


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the latest calls with a test that failed."""
    report = yield
    if report.failed:
        view = item.stash.get(_VIEW, None)
        lines = view.parts.journal.excerpt(SHOWN_CALLS) if view else item.stash.get(_JOURNAL, [])
        if lines:
            report.sections.append((SECTION, "\n".join(lines)))
    return report


def _marker_options(item: pytest.Item) -> dict[str, Any]:
    """What the markers of the test, its class and its module ask for; the nearest wins."""
    options: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers(MARKER))):
        if marker.args:
            raise pytest.UsageError(f"{item.nodeid}: the marker {MARKER} takes names only")
        for name in marker.kwargs:
            if name not in MARKER_ARGUMENTS:
                raise pytest.UsageError(
                    f"{item.nodeid}: the marker {MARKER} has no {name!r};"
                    f" there are {', '.join(MARKER_ARGUMENTS)}"
                )
        options.update(marker.kwargs)
    if options.pop("conduct", None) not in (None, "off"):
        raise pytest.UsageError(f"{item.nodeid}: conduct is not emulated yet: leave it off")
    return {name: value for name, value in options.items() if value is not None}
