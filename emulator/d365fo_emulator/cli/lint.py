"""`lint`: check data packages, without a server."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.cli.output import note, print_json
from d365fo_emulator.kernel.errors import ConfigurationError
from d365fo_emulator.kernel.tables import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from d365fo_emulator.lint.context import LintOptions
    from d365fo_emulator.lint.model import Finding

OK, FOUND, UNUSABLE = 0, 1, 2
FORMATS = ("text", "json", "sarif", "github")
SEVERITIES = ("E", "F", "S", "W", "never")


@click.command()
@click.argument("packages", nargs=-1, metavar="PACKAGE…")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="Default: text.")
@click.option("--json", "as_json", is_flag=True, help="As --format json.")
@click.option("--select", multiple=True, metavar="CODES", help="Only these, or these families.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these, nor these families.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="F",
    help="End with 1 for this severity and worse ones. Default: F.",
)
@click.option("--company", default="", metavar="ID", help="The company of the import.")
@click.option(
    "--environment",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What the environment has: entities, data sources, companies, settings.",
)
@click.option("--most", default=10, metavar="N", help="Findings of a rule in a file. Default: 10.")
@click.option("--fix", is_flag=True, help="Mend what is mechanical, into NAME.fixed.zip.")
@click.option("--in-place", is_flag=True, help="With --fix: replace the package.")
@click.option("--explain", metavar="CODE", help="Say what a rule is about, and end.")
@click.option("--list", "list_rules", is_flag=True, help="List all rules, and end.")
def lint(packages: tuple[str, ...], **options: Any) -> int:
    """Check data packages (files, folders, patterns) without a server.

    Says what the service would do: E refuses the call, F fails an entity or rows, S is silent and
    does something else, W is fragile. Exit codes: 0 nothing that bad, 1 findings of --fail-on or
    worse, 2 nothing could be checked.
    """
    if options["explain"] or options["list_rules"]:
        return _explain(options["explain"], as_json=options["as_json"])
    if not packages:
        raise click.UsageError("name a package, a folder or a pattern")
    if options["in_place"] and not options["fix"]:
        raise click.UsageError("--in-place goes with --fix")
    selected = _codes(options["select"])
    ignored = _codes(options["ignore"])
    paths = _paths(packages)
    known = _options(options)
    found: dict[str, list[Finding]] = {}
    for path in paths:
        checked = _fixed(path, known, options) if options["fix"] else path
        found[str(path)] = [
            finding
            for finding in _lint(checked, known)
            if (not selected or finding.code in selected) and finding.code not in ignored
        ]
    _print(found, "json" if options["as_json"] else options["form"])
    return _code(found, options["fail_on"])


def _lint(path: Path, options: LintOptions) -> tuple[Finding, ...]:
    from d365fo_emulator.lint.engine import lint_package  # noqa: PLC0415  help must start fast

    return lint_package(path, options)


def _fixed(path: Path, known: LintOptions, options: Mapping[str, Any]) -> Path:
    """Mends a package and says what was mended; the package that is to be checked after it."""
    from d365fo_emulator.lint.fixing import fix_package  # noqa: PLC0415  as `_lint`

    target = path if options["in_place"] else path.with_suffix(f".fixed{path.suffix}")
    fixes = fix_package(path, target, known)
    for fix in fixes:
        note(f"{path}: fixed {fix}")
    if not fixes:
        note(f"{path}: nothing to fix")
        return path
    note(f"{path}: written to {target}")
    return target


def _options(options: Mapping[str, Any]) -> LintOptions:
    from d365fo_emulator.lint.context import LintOptions  # noqa: PLC0415  as `_lint`

    if options["environment"] is None:
        return LintOptions(company=options["company"], most=max(1, options["most"]))
    return _environment_options(options)


def _environment_options(options: Mapping[str, Any]) -> LintOptions:
    """What the environment file says; with it, an unknown company is a mistake."""
    from d365fo_emulator.config.environment import load_environment  # noqa: PLC0415  as `_lint`
    from d365fo_emulator.emulator.entity_sources import (  # noqa: PLC0415
        EntitySources,
        describe_entities,
    )
    from d365fo_emulator.emulator.seeding import formats_of  # noqa: PLC0415
    from d365fo_emulator.entities.builtin import BuiltinCatalogue  # noqa: PLC0415
    from d365fo_emulator.entities.catalogue import Catalogue  # noqa: PLC0415
    from d365fo_emulator.lint.context import LintOptions, NothingLearnt  # noqa: PLC0415
    from d365fo_emulator.lint.learning import learn_package  # noqa: PLC0415

    environment = load_environment(options["environment"])
    builtin = BuiltinCatalogue()
    sources = EntitySources(builtin)

    def catalogue() -> Catalogue:
        made = Catalogue(builtin, NothingLearnt())
        describe_entities(
            made, environment.entities, sources, lambda package: learn_package(made, package)
        )
        return made

    catalogue()  # what cannot be is said before anything is checked
    companies = tuple(company.id for company in environment.companies)
    wanted = options["company"]
    if wanted and wanted.casefold() not in {one.casefold() for one in companies}:
        raise ConfigurationError(f"--company {wanted}: the environment file has no such company")
    return LintOptions(
        catalogue=catalogue,
        formats=formats_of(environment),
        settings=environment.settings,
        company=wanted,
        companies=companies,
        most=max(1, options["most"]),
    )


def _paths(packages: Sequence[str]) -> list[Path]:
    """Files as told; of folders and patterns the zips, by name, each once."""
    found: dict[Path, None] = {}
    for told in packages:
        path = Path(told)
        if path.is_dir():
            inside = sorted(path.rglob("*.zip"))
        elif path.exists() or not glob.has_magic(told):
            inside = [path]
        else:
            inside = sorted(map(Path, glob.glob(told, recursive=True)))  # noqa: PTH207  as typed
        if not inside:
            raise ConfigurationError(f"{told}: there is no package")
        found.update(dict.fromkeys(inside))
    return list(found)


def _codes(told: Sequence[str]) -> set[str]:
    """Codes of rules; a family's letters mean all of its rules."""
    from d365fo_emulator.lint.rules import RULES  # noqa: PLC0415  as `_lint`

    codes: set[str] = set()
    for word in ",".join(told).replace(",", " ").split():
        matching = {code for code in RULES if code.startswith(word.upper())}
        if not matching:
            raise click.UsageError(f"there is no rule {word!r}{did_you_mean(word, RULES)}")
        codes |= matching
    return codes


def _explain(code: str | None, *, as_json: bool) -> int:
    from d365fo_emulator.lint.documents import explanation_lines, rule_document  # noqa: PLC0415
    from d365fo_emulator.lint.rules import RULES  # noqa: PLC0415  as `_lint`

    if code is None:
        if as_json:
            print_json({"rules": [rule_document(rule) for rule in RULES.values()]})
        else:
            lines = [f"{one.code}  {one.severity.value}  {one.title}" for one in RULES.values()]
            click.echo("\n".join(lines))
        return OK
    rule = RULES.get(code.upper())
    if rule is None:
        raise click.UsageError(f"there is no rule {code!r}{did_you_mean(code, RULES)}")
    if as_json:
        print_json(rule_document(rule))
    else:
        click.echo("\n".join(explanation_lines(rule)))
    return OK


def _print(found: Mapping[str, Sequence[Finding]], form: str) -> None:
    if form == "sarif":
        from d365fo_emulator.lint.sarif import sarif_document  # noqa: PLC0415  as `_lint`

        print_json(sarif_document(found))
    elif form == "json":
        from d365fo_emulator.lint.documents import finding_document  # noqa: PLC0415  as `_lint`

        packages = [
            {"package": path, "findings": [finding_document(one) for one in findings]}
            for path, findings in found.items()
        ]
        print_json({"packages": packages})
    elif form == "github":
        from d365fo_emulator.lint.annotations import annotation_lines  # noqa: PLC0415  as `_lint`

        for path, findings in found.items():
            for line in annotation_lines(path, findings):
                click.echo(line)
    else:
        _print_text(found)


def _print_text(found: Mapping[str, Sequence[Finding]]) -> None:
    from d365fo_emulator.lint.documents import text_lines  # noqa: PLC0415  as `_lint`

    for path, findings in found.items():
        if findings:
            click.echo("\n".join(text_lines(path, findings)))
    count = sum(1 + finding.more for findings in found.values() for finding in findings)
    packages = f"{len(found)} package{'' if len(found) == 1 else 's'} checked"
    click.echo(f"{packages}, {count or 'no'} finding{'' if count == 1 else 's'}")


def _code(found: Mapping[str, Sequence[Finding]], fail_on: str) -> int:
    worst = "EFSW"[: "EFSW".index(fail_on) + 1] if fail_on != "never" else ""
    severities = {finding.severity.value for findings in found.values() for finding in findings}
    return FOUND if severities & set(worst) else OK


COMMANDS = {"lint": lint}
