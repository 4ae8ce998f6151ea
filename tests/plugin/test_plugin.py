"""The plugin as a user's tests see it, each in a pytest of its own."""

import subprocess
import sys
import textwrap

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.evidence("documented")

QUIET = ("-p", "no:cacheprovider", "-p", "no:asyncio")

CALLS = """
    import json, ssl, urllib.parse, urllib.request

    def ask(url, ca, data, **headers):
        request = urllib.request.Request(url, data, headers)
        context = ssl.create_default_context(cafile=ca)
        with urllib.request.urlopen(request, context=context) as answer:
            return json.load(answer)

    def call(config, action, **members):
        names = ("client_id", "client_secret", "resource")
        form = {"grant_type": "client_credentials", **{name: config[name] for name in names}}
        ca = config["ca_bundle"]
        token = ask(config["token_url"], ca, urllib.parse.urlencode(form).encode())
        url = (
            config["base_url"]
            + "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
            + action
        )
        headers = {
            "Authorization": "Bearer " + token["access_token"],
            "Content-Type": "application/json",
        }
        return ask(url, ca, json.dumps(members).encode(), **headers)["value"]
"""


@pytest.fixture
def run(pytester):
    """Runs test source in a process of its own: `cryptography` cannot be imported twice in one."""

    def run(source, *arguments, **outcomes):
        pytester.makepyfile(textwrap.dedent(CALLS) + textwrap.dedent(source))
        result = pytester.runpytest_subprocess(*arguments, *QUIET)
        result.assert_outcomes(**outcomes)
        return result

    return run


def test_loading_the_plugin_imports_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules)\n"  # a measurement of coverage has some already
        "import d365fo_emulator.pytest_plugin\n"
        "heavy = ['flask', 'werkzeug', 'jwt', 'cryptography', 'azure', 'openpyxl', 'requests',"
        " 'sqlite3', 'jsonschema', 'yaml', 'click']\n"
        "print([name for name in heavy if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_test_has_a_workspace_of_its_own_on_one_server(run):
    run(
        """
        seen = {}

        def test_one(d365fo, d365fo_server):
            seen["one"] = d365fo.client_config()
            call(d365fo.client_config(), "GetAzureWriteUrl", uniqueFileName="a")
            assert len(d365fo.journal) == 2

        def test_two(d365fo, d365fo_server):
            config = d365fo.client_config()
            assert len(d365fo.journal) == 0
            assert config["base_url"] == seen["one"]["base_url"]
            for name in ("tenant_id", "client_id", "client_secret"):
                assert config[name] != seen["one"][name]
            assert [w.id for w in d365fo_server.workspaces.workspaces()] == ["default", d365fo.id]
        """,
        passed=2,
    )


def test_the_same_test_sees_the_same_ids_in_the_next_run(run):
    source = """
        def test_one(d365fo):
            url = call(d365fo.client_config(), "GetAzureWriteUrl", uniqueFileName="a")
            print("BLOB", json.loads(url)["BlobId"], d365fo.client_config()["tenant_id"])
        """
    first, second = (run(source, "-s", passed=1) for _ in range(2))
    lines = [[line for line in r.outlines if "BLOB" in line] for r in (first, second)]
    assert lines[0] == lines[1] != []


def test_the_environment_variables_point_at_the_workspace(run):
    run(
        """
        import os

        def test_env(d365fo_env):
            config = d365fo_env.client_config()
            assert os.environ["D365FO_BASE_URL"] == config["base_url"]
            assert os.environ["D365FO_CLIENT_ID"] == os.environ["AZURE_CLIENT_ID"]
            assert os.environ["REQUESTS_CA_BUNDLE"] == config["ca_bundle"]
            assert os.environ["D365FO_COMPANY"] == "USMF"

        def test_gone():
            assert "D365FO_BASE_URL" not in os.environ
        """,
        passed=2,
    )


def test_variables_of_client_libraries_can_be_switched_off(run):
    run(
        """
        import os

        def test_env(d365fo_env):
            assert "D365FO_CA_BUNDLE" in os.environ
            assert os.environ.get("SSL_CERT_FILE") != d365fo_env.ca_bundle
        """,
        "-o",
        "d365fo_library_variables=false",
        passed=1,
    )


def test_the_marker_chooses_environment_scenario_and_clock(run):
    run(
        """
        import pytest

        ENVIRONMENT = {
            "version": 1,
            "data": [{"entity": "Customer groups", "company": "USMF",
                      "rows": [{"CUSTOMERGROUPID": "10"}]}],
        }

        @pytest.mark.d365fo(clock="virtual", scenario="failed")
        class TestMarked:
            @pytest.mark.d365fo(environment=ENVIRONMENT)
            def test_nearest_adds(self, d365fo):
                assert d365fo.clock.mode == "virtual"
                assert list(d365fo.rows("Customer groups", company="USMF")) == ["10"]

        def test_plain(d365fo):
            assert d365fo.clock.mode == "auto"
            assert len(d365fo.rows("Customer groups", company="USMF")) == 0
        """,
        passed=2,
    )


def test_a_marker_that_cannot_be_used_is_an_error_of_the_test(run):
    result = run(
        """
        import pytest

        @pytest.mark.d365fo(conduct="error")
        def test_conduct(d365fo): ...

        @pytest.mark.d365fo(scenaro="failed")
        def test_misspelt_name(d365fo): ...

        @pytest.mark.d365fo("failed")
        def test_without_name(d365fo): ...

        @pytest.mark.d365fo(scenario="stuck")
        def test_misspelt_scenario(d365fo): ...

        @pytest.mark.d365fo(clock="sundial")
        def test_misspelt_clock(d365fo): ...
        """,
        errors=5,
    )
    for says in (
        "conduct is not emulated yet",
        "has no 'scenaro'",
        "takes names only",
        "stuck",
        "sundial",
    ):
        assert says in result.stdout.str()


def test_conduct_off_is_accepted(run):
    run(
        """
        import pytest

        @pytest.mark.d365fo(conduct="off")
        def test_marked(d365fo):
            pass
        """,
        passed=1,
    )


def test_a_required_rule_that_was_never_used_is_an_error(run):
    result = run(
        """
        def test_unused(d365fo):
            d365fo.on(action="ImportFromPackage").execution_error("x").required()
        """,
        passed=1,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*rules that are required were never used: on-1*"])


def test_an_exception_inside_of_the_emulator_is_an_error_of_the_test(run):
    result = run(
        """
        import pytest
        import urllib.error

        def test_broken(d365fo, monkeypatch):
            config = d365fo.client_config()
            def broken(*_, **__):
                raise ZeroDivisionError("inside")

            monkeypatch.setattr(type(d365fo.parts.identity), "bearer", broken)
            with pytest.raises(urllib.error.HTTPError, match="500"):
                call(config, "GetAzureWriteUrl", uniqueFileName="a")
        """,
        passed=1,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*ZeroDivisionError: inside*"])


def test_a_failed_test_shows_the_latest_calls(run):
    result = run(
        """
        def test_fails(d365fo):
            call(d365fo.client_config(), "GetAzureWriteUrl", uniqueFileName="a")
            assert False
        """,
        failed=1,
    )
    result.stdout.fnmatch_lines(["*d365fo journal*", "*token POST*200*", "*GetAzureWriteUrl*200*"])


@pytest.mark.parametrize(
    "option", [("--d365fo-url", "x"), ("--d365fo-process",), ("--d365fo-artifacts", "x")]
)
def test_an_option_that_is_not_built_is_refused_by_name(pytester, option):
    result = pytester.runpytest_subprocess(*option, *QUIET)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{option[0]} is not built yet*"])
