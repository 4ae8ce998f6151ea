"""The table of failures: stages, and sentences as users of the real service know them."""

import pytest

from d365fo_emulator.entities.errors import Failure, duplicate_key, nothing_staged
from d365fo_emulator.entities.store import Stage


@pytest.mark.evidence("documented")
def test_wrong_types_fail_the_load_and_wrong_content_the_row_alone():
    of_the_row = {failure for failure in Failure if failure.stage is Stage.TARGET}
    assert of_the_row == {
        Failure.TEXT_TOO_LONG,
        Failure.BLANK,
        Failure.NOT_FOUND,
        Failure.NO_COMPANY,
    }


@pytest.mark.evidence("documented")
@pytest.mark.parametrize("failure", Failure)
def test_every_failure_states_what_it_rests_on(failure):
    words = {"documented", "recorded", "client", "inferred"}
    assert words & set(failure.value.evidence.split())


@pytest.mark.evidence("recorded")
def test_a_failed_load_says_that_nothing_was_inserted():
    text = "'0' 'Customer groups' record(s) inserted in staging."
    assert nothing_staged("Customer groups") == text


@pytest.mark.evidence("documented")
def test_a_key_that_comes_twice_has_its_code():
    assert duplicate_key("Customer groups").startswith("DMF1959: ")


@pytest.mark.evidence("inferred")
def test_braces_in_a_value_are_no_places():
    text = Failure.NOT_A_NUMBER.text(value="{label}", label="Rate")
    assert "'{label}'" in text
