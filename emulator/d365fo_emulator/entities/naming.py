"""Names made from other names: labels of fields, and what an entity is called that only its
package has told us about.
"""

from __future__ import annotations

import re

WORDS = re.compile(r"ISO|[A-Z]+(?![a-z])[0-9]*|[A-Z]?[^A-Z\W_]+|[^\W_]+")
ENTITY_SUFFIX = "Entity"


def label_of(field_name: str) -> str:
    """What error texts call a field: `CustomerGroupId` is ``Customer group``.

    Recorded for that one field; the rule (sentence case, a last ``Id`` dropped, abbreviations
    kept in capitals) is inferred. A name without inner capitals stays as it is.
    """
    words = WORDS.findall(field_name)
    if len(words) > 1 and words[-1] in {"Id", "ID"}:
        words = words[:-1]
    if not words or field_name.isupper():
        return field_name
    return " ".join([words[0], *map(_inside, words[1:])])


def _inside(word: str) -> str:
    """A word as it stands inside a label: small, abbreviations in capitals."""
    if word == "Id":
        return "ID"
    return word if len(word) > 1 and word.isupper() else word.lower()


def type_name_of(label: str) -> str:
    """An AOT name for an entity whose manifest gives none: ``Contoso cards`` is
    `ContosoCardsEntity`.
    """
    return (collection_of(label) or "Learnt") + ENTITY_SUFFIX


def collection_of(label: str) -> str:
    """A collection name for a learnt entity: its label's words in Pascal case."""
    words = re.findall(r"[^\W_]+", label)
    return "".join(word[:1].upper() + word[1:] for word in words)


def staging_name_of(type_name: str) -> str:
    """The staging table's name by the product's habit: `CustCustomerV3Entity` has
    `CustCustomerV3Staging`.
    """
    return type_name.removesuffix(ENTITY_SUFFIX) + "Staging"
