"""Row and entity failures in the real service's words, and the stage that each belongs to.

One table: what is wrong with a value, where in the import that shows, and the text. Codes and
causes are documented; their literal sentences are not, so a text that begins with a code goes on
in our own words. Sentences without a code are recorded or reported from real environments.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from d365fo_emulator.entities.store import Stage
from d365fo_emulator.kernel.errors import EmulatorError


@dataclass(frozen=True)
class FailureText:
    """What a failure is called, and where it shows.

    Attributes:
        stage: STAGING fails the whole entity, TARGET the row alone.
        form: the text, with named places.
        evidence: what stage and text rest on.

    """

    stage: Stage
    form: str
    evidence: str


class Failure(Enum):
    """Everything that a value in a row can be refused for."""

    # The loader converts types while it fills staging: one bad value fails the load (documented
    # for the codes, client for "staging Error, target NotRun").
    NOT_A_NUMBER = FailureText(
        Stage.STAGING,
        "DMF2018: The value '{value}' in field '{label}' is not a number.",
        "documented code, inferred sentence",
    )
    NUMBER_TOO_LARGE = FailureText(
        Stage.STAGING,
        "DMF2018: The value '{value}' in field '{label}' is beyond the range of its type.",
        "documented code, inferred sentence",
    )
    NOT_A_DATE = FailureText(
        Stage.STAGING,
        "DMF2016: The value '{value}' in field '{label}' is not a valid date.",
        "documented code, inferred sentence",
    )
    DATE_OUT_OF_RANGE = FailureText(
        Stage.STAGING,
        "DMF2016: The value '{value}' in field '{label}' is outside 1900-01-01 to 2154-12-31.",
        "documented code, inferred sentence",
    )
    NOT_A_TIME = FailureText(
        Stage.STAGING,
        "DMF2016: The value '{value}' in field '{label}' is not a valid time.",
        "documented code, inferred sentence",
    )
    NOT_A_GUID = FailureText(
        Stage.STAGING,
        "DMF2018: The value '{value}' in field '{label}' is not a GUID.",
        "documented code, inferred sentence",
    )
    NOT_IN_ENUMERATION = FailureText(
        Stage.STAGING,
        "DMF021: The value '{value}' in field '{label}' is none of its enumeration '{enum}'.",
        "documented code, inferred sentence",
    )
    # Documented only as "might overflow a column length limit"; that the row alone fails is
    # inferred.
    TEXT_TOO_LONG = FailureText(
        Stage.TARGET,
        "DMF2018: The value '{value}' in field '{label}' is longer than {size} characters.",
        "documented code, inferred sentence and stage",
    )
    # Cause and sentence inferred: the product's answer to a row of a company that is not there
    # was never seen. The job's own company is checked by the import call.
    NO_COMPANY = FailureText(
        Stage.TARGET,
        "The company '{value}' does not exist.",
        "inferred",
    )
    # Reported from real environments for the target step.
    BLANK = FailureText(Stage.TARGET, "Field '{label}' must be filled in.", "recorded")
    # Both sentences are recorded, of the same failure over OData; infolog lines are joined by
    # line breaks.
    NOT_FOUND = FailureText(
        Stage.TARGET,
        "The value '{value}' in field '{label}' is not found in the related table '{table}'.\r\n"
        "validateField failed on field '{entity}.{field}'.",
        "recorded sentences, inferred join",
    )

    @property
    def stage(self) -> Stage:
        """Where in an import it shows."""
        return self.value.stage

    def text(self, **places: object) -> str:
        """The message; a value of more than 100 characters is cut in it."""
        if len(value := str(places.get("value", ""))) > MOST_SHOWN:
            places["value"] = value[:MOST_SHOWN] + "…"
        return self.value.form.format(**places)


MOST_SHOWN = 100


class ValueRejected(ValueError):
    """A text that is no value of its field's type; `failure` says why.

    `text`: the one that was refused, where it is not what the file has.
    """

    def __init__(self, failure: Failure, text: str | None = None) -> None:
        super().__init__(failure.name)
        self.failure = failure
        self.text = text


class TooManyFields(EmulatorError):
    """A file with more columns than an entity can hold."""

    def __init__(self, label: str, count: int, most: int) -> None:
        super().__init__(f"{label} would have {count} fields; at most {most} can be held")
        self.label = label


# The load fails as a whole when a key comes twice, not the second row alone (documented code and
# cause, inferred sentence).
DUPLICATE_KEY = "DMF1959: PrimaryKeyViolation: two rows of {label} have the same key."

# Reported from real environments beside every failure of a load, blank for blank.
NOTHING_STAGED = "'0' '{label}' record(s) inserted in staging."


def duplicate_key(label: str) -> str:
    """What each row says whose key an earlier row of the file has."""
    return DUPLICATE_KEY.format(label=label)


def nothing_staged(label: str) -> str:
    """What the entity `label` says when its load has failed."""
    return NOTHING_STAGED.format(label=label)
