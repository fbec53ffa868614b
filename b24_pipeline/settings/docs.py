"""The page of all settings, generated from their declaration (`make docs`)."""

import sys
from collections.abc import Iterable
from pathlib import Path

from b24_pipeline.settings import AlertSettings, Settings
from b24_pipeline.settings.base import BaseSettings, FolderSettings
from b24_pipeline.settings.connection import ConnectionSettings
from b24_pipeline.settings.database import DatabaseSettings
from b24_pipeline.settings.imports import ImportSettings
from b24_pipeline.settings.limits import LimitSettings
from b24_pipeline.settings.secret_files import is_secret

HEAD = """# Settings

Every setting is read from the environment or from the file `.env` in the project folder; a value given in the
environment wins. (Dagster's programs also load other variables of `.env`, for example proxies; there `.env` wins.)
A missing or bad setting is one line that names it and gives an example, and exit code 2. The same applies to an unknown
name that begins with `B24_PIPELINE_`, a name that is a letter or two away from a setting, and a line of `.env` that is
not `NAME=value`. Blanks and line ends around a value do not count, except in a prefix or a password; quotes that became
part of a value are refused.

A secret may lie in a file, as Docker, systemd and Kubernetes hand it over:
`CALLGEAR_ACCESS_TOKEN_FILE=/run/secrets/token` instead of `CALLGEAR_ACCESS_TOKEN`. The same applies to every setting
marked *secret*.

This page is generated from the code: `make docs`.
"""
COLUMNS = "| variable | default | example | meaning |\n| --- | --- | --- | --- |\n"
REQUIRED = ("bitrix24_webhook_url", "callgear_access_token", "callgear_login", "callgear_password")
GROUPS: dict[str, type[BaseSettings]] = {
    "Connection": ConnectionSettings,
    "What is imported": ImportSettings,
    "Limits and retention": LimitSettings,
    "Files": FolderSettings,
    "Database and export": DatabaseSettings,
    "Alerts": AlertSettings,
}


def page() -> str:
    required = "## Required\n\nThe webhook, and the key or login and password; nothing else.\n\n" + table(REQUIRED)
    groups = [
        f"## {title}\n\n{table(name for name in group.__annotations__ if name not in REQUIRED)}"
        for title, group in GROUPS.items()
    ]
    return "\n".join([HEAD, required, *groups])


def table(names: Iterable[str]) -> str:
    rows = []
    for field in map(Settings.model_fields.__getitem__, names):
        example = str((field.examples or [""])[0])
        secret = " *Secret.*" if is_secret(field) else ""
        default = "none" if field.default in (None, frozenset(), ()) else code(str(field.default))
        if field.is_required():
            default = "**required**"
        rows.append(f"| `{field.validation_alias}` | {default} | {code(example)} | {field.description}{secret} |\n")
    return COLUMNS + "".join(rows)


def code(text: str) -> str:
    """Return the text as code; a bar would end the cell."""
    return "`" + text.replace("|", "\\|") + "`"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        Path(sys.argv[2]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
