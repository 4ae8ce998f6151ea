"""Manifests far beyond any real one: taken or refused, in bounded memory."""

from __future__ import annotations

import pytest

import builders
from bad_input import packages
from bad_input.packages import header, manifest, package, zipped
from bad_input.support import GROUPS, assert_action_refusal, peak_memory

pytestmark = pytest.mark.evidence("inferred")

MIB = 1 << 20


def of_entities(count):
    """A package of entities that nobody knows, each with a data file of one row."""
    tables = [
        builders.Table(f"Thing {n}", ("A",), (("1",),), f"Thing{n}Entity") for n in range(count)
    ]
    control = {
        "Manifest.xml": builders.manifest(tables, "Project").encode(),
        "PackageHeader.xml": header(),
    }
    return zipped(control | {table.file: table.csv for table in tables})


def with_maps(template, count):
    maps = "".join(
        "<EntityMap><ArrayIndex>0</ArrayIndex>" + template.replace("#", str(n)) + "</EntityMap>"
        for n in range(count)
    )
    return package(manifest=manifest(("<EntityMapList>", f"<EntityMapList>{maps}")))


def test_5_000_entities_are_accepted_and_learnt(place):
    url = place.upload(of_entities(5_000))
    with (
        place.changing("executions", "projects", "learnt", "held packages"),
        peak_memory() as at_most,
    ):
        assert place.import_from(url).status == 200
        at_most(160 * MIB)
    execution = place.view.executions.only()
    assert place.view.parts.catalogue.find("Thing 4999") is not None
    assert execution.cancel().state == "Canceled"


def test_300_entities_are_imported(place):
    execution = place.import_package(of_entities(300)).json["value"]
    assert place.finish(execution) == "Succeeded"
    entities = place.view.executions.only().entities
    assert [entity["targetRecordsCreated"] for entity in entities] == [1] * 300


def test_100_000_maps_to_fields_of_their_own_are_too_many(place):
    url = place.upload(with_maps("<EntityField>F#</EntityField><XMLField>F#</XMLField>", 100_000))
    with place.changing(), peak_memory() as at_most:
        answer = place.import_from(url)
        at_most(160 * MIB)
        message = answer.json["error"]["innererror"]["message"]
        told = message.partition("DataManagementDefinitionGroup: ")[2]
        assert GROUPS in told
        assert "fields" in told
        assert_action_refusal(answer, "ImportFromPackage", told)


def test_100_000_maps_to_one_field_fail_the_entity(place):
    url = place.upload(
        with_maps("<EntityField>DESCRIPTION</EntityField><XMLField>F#</XMLField>", 100_000)
    )
    with (
        place.changing("executions", "projects", "errors", "progress"),
        peak_memory() as at_most,
    ):
        execution = place.import_from(url).json["value"]
        assert place.finish(execution) == "Failed"
        at_most(160 * MIB)
    (error,) = place.view.executions.only().errors
    assert error["message"] == "DMF1966: The columns of the input file and the mapping do not match"


def test_an_entity_that_is_named_100_times_stays_one(place):

    tables = (packages.CUSTOMER_GROUPS,) * 100
    content = zipped(
        packages.files(manifest=builders.manifest(tables, "Project").encode()),
    )
    execution = place.import_package(content).json["value"]
    assert place.finish(execution) == "Succeeded"
    assert len(place.view.rows(GROUPS, company="USMF")) == 5
