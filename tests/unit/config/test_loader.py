"""Where a setting comes from, and what is refused."""

from pathlib import Path

import pytest

from d365fo_emulator.config.loader import environment_path, load_config, reference_markdown
from d365fo_emulator.config.model import Config, settings
from d365fo_emulator.kernel.errors import ConfigurationError

pytestmark = pytest.mark.evidence("documented")
PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_defaults_are_those_of_the_public_interface():
    config = load_config()
    assert (config.host, config.http_port, config.https_port) == ("127.0.0.1", 8365, 8443)
    assert config.storage_account == "devstoreaccount1"
    assert config.clock == "real"


def test_arguments_win_over_variables_and_variables_over_the_file():
    server = {"httpPort": 1, "httpsPort": 1001, "seed": 3}
    variables = {"D365FO_EMULATOR_HTTP_PORT": "2", "D365FO_EMULATOR_HTTPS_PORT": "2002"}
    config = load_config({"http_port": 4, "host": None, "scenario": ()}, variables, server)
    assert (config.http_port, config.https_port, config.seed) == (4, 2002, 3)


def test_every_setting_has_one_flag_one_variable_and_one_key():
    table = settings()
    for spelling in ("flag", "variable", "key"):
        assert len({getattr(setting, spelling) for setting in table}) == len(table)
    by_name = {setting.name: setting for setting in table}
    assert by_name["http_port"].flag == "--http-port"
    assert by_name["http_port"].variable == "D365FO_EMULATOR_HTTP_PORT"
    assert by_name["http_port"].key == "httpPort"


@pytest.mark.parametrize("setting", settings(), ids=lambda setting: setting.name)
def test_every_setting_says_what_it_does(setting):
    assert setting.help.endswith(".")


@pytest.mark.parametrize(
    ("arguments", "variables", "server", "says"),
    [
        ({"http_prot": 1}, {}, {}, "did you mean 'http_port'"),
        ({}, {"D365FO_EMULATOR_SEEDS": "1"}, {}, "did you mean 'D365FO_EMULATOR_SEED'"),
        ({}, {}, {"http_port": 1}, "did you mean 'httpPort'"),
        ({}, {}, {"environment": "other.yaml"}, "server.environment: there is no such setting"),
        ({"clock": "vitual"}, {}, {}, "did you mean 'virtual'"),
        ({}, {"D365FO_EMULATOR_HTTP_PORT": "many"}, {}, "no whole number"),
        ({}, {}, {"httpPort": True}, "no whole number"),
        ({}, {"D365FO_EMULATOR_EPHEMERAL": "perhaps"}, {}, "neither true nor false"),
        ({"http_port": 70000}, {}, {}, "70000 is no port"),
        ({"http_port": -1, "https_port": -1}, {}, {}, "leave one of them on"),
        ({"http_port": 9000, "https_port": 9000}, {}, {}, "both 9000"),
        ({"public_url": "localhost:1"}, {}, {}, "is no address"),
        ({"public_url": "https://h/path"}, {}, {}, "leave out the path"),
        ({"tls_cert": "a.pem"}, {}, {}, "belong together"),
        ({"ephemeral": True, "data_dir": "d"}, {}, {}, "take one"),
        ({"blob_backend": "azure"}, {}, {}, "not emulated yet"),
        ({"accept_loopback_mock_token": True}, {}, {}, "not emulated yet"),
        ({"storage_account": "Not Valid"}, {}, {}, "lower-case letters"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_remedy(arguments, variables, server, says):
    with pytest.raises(ConfigurationError) as refused:
        load_config(arguments, variables, server)
    assert says in str(refused.value)


def test_variables_of_other_programs_are_left_alone():
    assert load_config({}, {"D365FO_BASE_URL": "x", "PATH": "y"}) == Config()


def test_a_variable_holds_several_values_with_commas():
    config = load_config({}, {"D365FO_EMULATOR_TLS_SAN": "one.test, two.test"})
    assert config.tls_san == ("one.test", "two.test")


def test_the_environment_file_is_found_by_argument_before_variable():
    variables = {"D365FO_EMULATOR_ENVIRONMENT": "variable.yaml"}
    assert environment_path({"environment": "argument.yaml"}, variables) == Path("argument.yaml")
    assert environment_path({}, variables) == Path("variable.yaml")
    assert environment_path({}, {}) is None


def test_the_committed_reference_page_is_the_one_that_the_table_makes():
    assert PAGE.read_text("utf-8") == reference_markdown()
