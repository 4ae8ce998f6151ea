"""Every rule fires on a package that is broken in its one way, and only where it should."""

import zipfile
from pathlib import Path

import pytest

import lint_cases
from d365fo_emulator.entities.errors import Failure
from d365fo_emulator.lint import row_checks
from d365fo_emulator.lint.engine import PackageUnreadable, lint_package
from d365fo_emulator.lint.model import Severity
from d365fo_emulator.lint.row_failures import OTHER, RULE_OF, code_of_failure
from d365fo_emulator.lint.rules import FAMILIES, RULES
from lint_cases import CASES, CUSTOMER_GROUPS, OPTIONS, RATES, Table

pytestmark = pytest.mark.evidence("documented")

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "packages"
GOOD = sorted(
    path for path in FIXTURES.iterdir() if path.suffix == ".zip" and "broken" not in path.name
)
NOT_BY_A_PACKAGE = {"ROW008", "ROW009", "ROW010"}
"""These need a bound, an environment, or a failure that no rule knows yet."""
# UTF-8 in a code page's place is what that fixture is about.
SAID_OF_GOOD = {"customer-groups-csv-utf8.zip": {"CSV002"}}


@pytest.fixture
def lint(tmp_path):
    def check(content, options=OPTIONS):
        path = tmp_path / "package.zip"
        path.write_bytes(content)
        return lint_package(path, options)

    return check


def codes(findings):
    return {finding.code for finding in findings}


@pytest.mark.parametrize("code", sorted(CASES))
def test_a_package_that_is_broken_so_is_found(code, lint):
    findings = lint(CASES[code]())
    assert code in codes(findings), findings
    assert all(finding.message and finding.remedy for finding in findings)


def test_every_rule_has_a_case():
    assert RULES.keys() - NOT_BY_A_PACKAGE == CASES.keys()


def test_codes_are_of_their_family_and_come_once():
    for letters, (_heading, rules) in FAMILIES.items():
        assert all(rule.code.startswith(letters) for rule in rules)
    assert len(RULES) == sum(len(rules) for _heading, rules in FAMILIES.values())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_of_a_good_package_nothing_is_said(path):
    assert codes(lint_package(path)) == SAID_OF_GOOD.get(path.name, set())


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_every_failure_of_a_row_has_its_rule(failure):
    places = dict.fromkeys(
        ("value", "label", "size", "enum", "table", "entity", "field", "key"), "a {b}\nc"
    )
    assert code_of_failure(failure.value.form.format(**places)) == RULE_OF.get(failure.name, OTHER)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(PackageUnreadable, match="No such file"):
        lint_package(tmp_path / "none.zip")


def test_of_many_findings_alike_some_are_shown_and_the_rest_counted(lint):
    rows = tuple((str(number), "x" * 200) for number in range(400))
    findings = lint(lint_cases.package(lint_cases.groups(*rows)))
    assert len(findings) == 10
    assert findings[-1].more == 390
    assert [finding.more for finding in findings[:-1]] == [0] * 9


def test_the_worst_of_a_file_comes_first(lint):
    text = CUSTOMER_GROUPS.csv.decode().replace("Retail", "Groß") + "10,twice\r\n"
    findings = lint(lint_cases.package(data=text.encode()))
    assert [finding.code for finding in findings] == ["ROW001", "CSV002"]
    assert findings[0].place.row == 4


def test_places_in_a_manifest_are_lines_and_columns(lint):
    text = lint_cases.files(CUSTOMER_GROUPS)["Manifest.xml"].decode()
    edit = [("<ValidationStatus>Yes<", "<ValidationStatus>Error<")]
    ((place, severity),) = [(f.place, f.severity) for f in lint(lint_cases.package(manifest=edit))]
    assert severity is Severity.FRAGILE
    assert (place.line, place.column) == (1, text.index("<ValidationStatus>") + 1)


def test_an_entity_in_another_unit_is_no_predecessor(lint):
    late = Table(**{**vars(CUSTOMER_GROUPS), "place": (2, 1, 1)})
    findings = lint(lint_cases.package(late, lint_cases.CUSTOMERS))
    assert "units run at the same time" in next(f.message for f in findings if f.code == "MAN011")


def test_an_entity_in_a_lower_level_is_a_good_predecessor(lint):
    early = Table(**{**vars(lint_cases.CUSTOMERS), "place": (1, 20, 1)})
    assert not lint(lint_cases.package(CUSTOMER_GROUPS, early))


def test_references_are_judged_whatever_the_order_of_the_manifest(lint):
    bad = CASES["ROW006"]
    first = codes(lint(bad()))
    groups, customers = CUSTOMER_GROUPS, lint_cases.CUSTOMERS
    wrong = Table(**{**vars(customers), "rows": (("C1", "99", "N", "Person", "USD"),)})
    assert "ROW006" in first
    assert "ROW006" in codes(lint(lint_cases.package(wrong, groups)))


def test_values_of_an_entity_that_the_package_lacks_are_not_judged(lint):
    assert not lint(lint_cases.package(lint_cases.CUSTOMERS))


def test_keys_differ_by_letters_that_are_not_case(lint):
    rows = (("a1", "x"), ("A1", "y"))
    assert codes(lint(lint_cases.package(lint_cases.groups(*rows)))) == {"ROW001"}
    assert not lint(lint_cases.package(lint_cases.groups(("a1", "x"), ("a2", "x"))))


def test_beyond_the_bound_keys_are_not_compared_and_that_is_said(lint, monkeypatch):
    monkeypatch.setattr(row_checks, "MOST_KEYS", 2)
    rows = tuple((str(number), "x") for number in (1, 2, 3, 1))
    assert codes(lint(lint_cases.package(lint_cases.groups(*rows)))) == {"ROW009"}


@pytest.mark.parametrize(
    ("date", "said"),
    [("02/03/2025", True), ("02/02/2025", False), ("2/25/2025", False), ("2025-02-03", False)],
)
def test_a_date_that_may_be_two_is_told_of(date, said, lint):
    rows = (("D", "USD", "EUR", date, "1"),)
    findings = lint(lint_cases.package(Table(**{**vars(RATES), "rows": rows})))
    assert [(f.code, f.severity) for f in findings] == [("ROW004", Severity.SILENT)] * said


def test_a_company_that_is_not_the_jobs_is_told_of_when_the_job_is_known(lint):
    content = CASES["ROW007"]()
    assert "ROW007" in codes(lint(content))
    anywhere = lint_cases.LintOptions(catalogue=lint_cases.catalogue)
    assert "ROW007" not in codes(lint(content, anywhere))


def test_a_workbook_with_several_sheets_is_fragile(lint):
    book = lint_cases.workbook([("CUSTOMERGROUPID", "DESCRIPTION"), ("1", "a")], more_sheets=("B",))
    (finding,) = lint(lint_cases.of_format("EXCEL", book, ".xlsx"))
    assert (finding.code, finding.severity) == ("XLS002", Severity.FRAGILE)


def test_a_format_and_a_name_that_do_not_fit_are_found(lint):
    findings = lint(lint_cases.of_format("EXCEL", CUSTOMER_GROUPS.csv))
    assert [(f.code, f.severity.value) for f in findings] == [("MAN010", "W"), ("MAN010", "F")]


def test_a_name_that_does_not_fit_is_odd_only(lint):
    (finding,) = lint(lint_cases.of_format("CSV", CUSTOMER_GROUPS.csv, ".xml"))
    assert (finding.code, finding.severity) == ("MAN010", Severity.FRAGILE)


def test_a_missing_file_whose_folder_is_wrong_is_hinted_at(lint):
    files = lint_cases.files(CUSTOMER_GROUPS, lint_cases.CUSTOMERS)
    files["data/" + lint_cases.CUSTOMERS.file] = files.pop(lint_cases.CUSTOMERS.file)
    findings = lint(lint_cases.zipped(files))
    hint = next(f.message for f in findings if f.code == "PKG004")
    assert hint.endswith("the zip has data/Customers V3.csv")


def test_resources_are_files_that_no_entity_need_name(lint):
    content = lint_cases.files() | {"Resources/Customer groups/a.pdf": b"x"}
    assert not lint(lint_cases.zipped(content))


def test_elements_of_another_namespace_are_unknown(lint):
    edit = [("<SampleFilePath />", '<Disable xmlns="urn:x">true</Disable>')]
    (finding,) = lint(lint_cases.package(manifest=edit))
    assert finding.code == "MAN019"
    assert "another namespace" in finding.message


def test_an_environment_that_refuses_unknown_entities_makes_them_refused(lint):
    from d365fo_emulator.kernel.settings import Settings

    strict = lint_cases.LintOptions(settings=Settings(unknown_entities="refuse"))
    content = lint_cases.package(Table("Customer groupss", ("ID",), (("1",),)))
    (finding,) = lint(content, strict)
    assert finding.code == "MAN005"
    assert "Customer groups" in finding.message


def test_the_catalogue_of_one_package_does_not_learn_for_the_next(lint):
    known = lint_cases.package(Table("Own things", ("ID", "MOON"), (("1", "Io"),)))
    assert codes(lint(known)) == codes(lint(known)) == {"MAP004"}


def test_what_is_wrong_by_the_catalogue_of_the_environment_fails(lint):
    content = lint_cases.package(Table("Own things", ("ID", "COLOURS"), (("1", "Red"),)))
    (finding,) = lint(content)
    assert (finding.code, finding.severity) == ("MAP004", Severity.FAILS)
    assert finding.message.endswith("did you mean COLOUR?")


def test_data_descriptors_and_large_records_are_read(lint):
    with zipfile.ZipFile(FIXTURES / "customer-groups-zip64.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert not lint(lint_cases.zipped(files))


def test_of_a_good_composite_nothing_is_said(lint):
    assert not lint(lint_cases.of_composite(("A", (1, 2)), ("B", (1,))))


@pytest.mark.parametrize(
    ("orders", "code"),
    [
        ((("A", ()),), "MAN012"),
        ((), "CSV006"),
        ((("A", (1, 1)),), "ROW001"),
        ((("A", (1,)), ("A", (2,))), "ROW001"),
        ((("ABCDEF", (1,)),), "ROW003"),
        ((("A", ("one",)),), "ROW004"),
        ((("", (1,)),), "ROW002"),
    ],
)
def test_what_is_wrong_in_a_composite_file_is_found(orders, code, lint):
    assert code in codes(lint(lint_cases.of_composite(*orders)))


def test_a_composite_of_entities_that_nobody_knows_is_said_so(lint):
    def catalogue():
        made = lint_cases.Catalogue(lint_cases.BUILTIN, lint_cases.NothingLearnt())
        made.add_composite(lint_cases.composite_of(lint_cases.NESTED))
        return made

    options = lint_cases.LintOptions(catalogue=catalogue)
    assert codes(lint(lint_cases.of_composite(("A", (1,))), options)) == {"MAN017"}


def test_a_row_without_a_key_is_no_second_row_of_one_key(lint):
    assert codes(lint(lint_cases.package(lint_cases.groups(("", "a"), ("", "b"))))) == {"ROW002"}


def test_without_business_validations_values_of_other_entities_are_not_asked_for(lint):
    content = lint_cases.files(
        CUSTOMER_GROUPS,
        Table(**{**vars(lint_cases.CUSTOMERS), "rows": (("C1", "99", "N", "P", "USD"),)}),
        manifest=[("<RunBusinessValidation>true<", "<RunBusinessValidation>false<")],
    )
    assert "ROW006" not in codes(lint(lint_cases.zipped(content)))


def test_a_company_that_the_environment_lacks_fails_its_row(lint):
    options = lint_cases.LintOptions(companies=("DEMF", "GBSI"))
    assert "ROW010" not in codes(lint(CASES["ROW007"](), options))
    other = lint_cases.LintOptions(companies=("DEMF",))
    assert "ROW010" in codes(lint(CASES["ROW007"](), other))


def test_a_transformation_is_named_as_what_is_not_emulated(lint):
    transform = "<EntityTransform><XsltFileName>a.xslt</XsltFileName></EntityTransform>"
    edit = [
        (
            '<EntityTransformList i:nil="true" />',
            f"<EntityTransformList>{transform}</EntityTransformList>",
        )
    ]
    assert codes(lint(lint_cases.package(manifest=edit))) == {"MAN015"}
