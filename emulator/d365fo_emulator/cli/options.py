"""The flags of `serve`, made from the table of settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from d365fo_emulator.config.model import Setting, settings

if TYPE_CHECKING:
    from collections.abc import Callable


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds a flag for each setting; what was not given arrives as None or ()."""
    for setting in reversed(settings()):
        command = _option(setting)(command)
    return command


def _option(setting: Setting) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    # Defaults and variables are the loader's business, so that the three sources stay in order.
    text = f"{setting.help}{_default_text(setting)}  [{setting.variable}]"
    if setting.kind == "switch":
        return click.option(
            f"{setting.flag}/--no-{setting.flag[2:]}", setting.name, default=None, help=text
        )
    return click.option(
        setting.flag,
        setting.name,
        type=_type(setting),
        default=None,
        multiple=setting.kind == "list",
        metavar=setting.metavar or None,
        help=text,
    )


def _type(setting: Setting) -> Any:
    if setting.options:
        return click.Choice(setting.options)
    return {"number": int, "path": click.Path(path_type=Path)}.get(setting.kind, str)


def _default_text(setting: Setting) -> str:
    if setting.default in (None, "", (), False) or setting.name == "storage_key":
        return ""
    return f" Default: {setting.default}."
