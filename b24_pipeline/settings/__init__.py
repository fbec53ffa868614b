"""The settings, read from the environment or `.env`, or of several connections from the files of a folder.

A missing or bad setting is one clear line that names it and an example (`SettingsError`), never a traceback.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from b24_pipeline.rules.models import Policy
from b24_pipeline.settings import unread
from b24_pipeline.settings.alerts import AlertSettings
from b24_pipeline.settings.base import FolderSettings, SettingsError
from b24_pipeline.settings.connection import ConnectionSettings
from b24_pipeline.settings.connections import FOLDER, Connections, connections, database_of, is_key
from b24_pipeline.settings.dagster import ENV_FILE, GIVEN, DagsterHome
from b24_pipeline.settings.database import DatabaseSettings
from b24_pipeline.settings.imports import ImportSettings
from b24_pipeline.settings.limits import LimitSettings
from b24_pipeline.settings.secret_files import SUFFIX, SecretFileError, secrets_of
from b24_pipeline.text import printable

__all__ = [
    "FOLDER",
    "AlertSettings",
    "Connections",
    "Settings",
    "SettingsError",
    "SettingsIncomplete",
    "connections",
    "dagster_home",
    "database_settings",
    "folders",
    "keep_run_days",
    "load",
    "load_alerting",
    "load_all",
    "named_fields",
    "protect_given_environment",
]


Read = TypeVar("Read", bound=BaseSettings)

PLAIN_WORDS = {
    "Value error, ": "",
    "valid integer, unable to parse string as an integer": "whole number",
    "valid integer, got a number with a fractional part": "whole number",
    "valid number, unable to parse string as a number": "number",
    "valid boolean, unable to interpret input": "`true` or `false`",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
    "Input should": "must",
    "String should": "must",
}
"""What stands for pydantic's words, in this order."""


class Settings(AlertSettings, DatabaseSettings, LimitSettings, ImportSettings, ConnectionSettings):
    """Every setting of one portal-account pair; pydantic reads them from the last group to the first."""

    @property
    def policy(self) -> Policy:
        return Policy(
            edition=self.bitrix24_edition,
            last_name_prefix=self.last_name_prefix,
            phones=self.phones,
            on_id_match=self.on_id_match,
            responsible_list=self.responsible_list,
            scope=self.scope,
            limits=self.limits,
        )


class SettingsIncomplete(SettingsError):  # noqa: N818 - a state of a fresh clone, not a fault
    """Required settings are not set yet."""


def load(connection: str | None = None) -> Settings:
    """Read all settings, of one connection where there are several.

    Raises:
        SettingsIncomplete: a required setting is not set.
        SettingsError: a setting has an invalid value, or no connection has this key.
    """
    return read(Settings, files_of(connection))


def load_all(folder: Connections) -> tuple[dict[str, Settings], tuple[str, ...]]:
    """Read the settings of every connection, by key, and one line for each problem of the others."""
    found: dict[str, Settings] = {}
    problems: list[str] = []
    for key in folder.keys:
        try:
            found[key] = load(key)
        except SettingsError as error:
            problems += str(error).splitlines()
    return found, tuple(dict.fromkeys(problems))


def load_alerting() -> AlertSettings:
    """Read the receivers of alerts, whatever else is set or missing.

    Raises:
        SettingsError: a setting of alerts has an invalid value.
    """
    folder = connections()
    return read(AlertSettings, (folder.defaults,) if folder else ())


def keep_run_days() -> int:
    """Return how many days Dagster's own records of the runs are kept, of all connections.

    Raises:
        SettingsError: a limit has an invalid value.
    """
    folder = connections()
    return read(LimitSettings, (folder.defaults,) if folder else ()).keep_run_days


def database_settings(chosen: str | None = None, *, connection: str | None = None) -> DatabaseSettings:
    """Return the database: the one chosen, else that of the connection, or the one that is set.

    Reading it needs no credentials, nor that the connection's file is still there.

    Raises:
        SettingsError: it is not the name of a file, or no connection has this key.
    """
    if chosen is not None:
        return read(DatabaseSettings, database=Path(chosen), lake=None)
    folder = connections()
    if folder is not None and connection is not None and is_key(connection) and not folder.file(connection).exists():
        kept = database_of(connection, data=folders().data_folder)
        if kept.exists():
            return DatabaseSettings(database=kept, lake_schema=connection)
    return read(DatabaseSettings, files_of(connection))


def dagster_home() -> Path | None:
    """Return where Dagster keeps its runs, if that is set.

    Raises:
        SettingsError: it is not a folder.
    """
    return read(DagsterHome).home


def folders() -> FolderSettings:
    """Return where files go.

    Raises:
        SettingsError: it is not the name of a folder.
    """
    return read(FolderSettings)


def files_of(connection: str | None) -> tuple[Path, ...]:
    """Return the files of a connection; none where there is one connection, of the environment and `.env`.

    Raises:
        SettingsError: there are several and none is chosen, or none has this key.
    """
    folder = connections()
    if folder is None:
        if connection is None:
            return ()
        raise SettingsError(
            f"--connection: there is no folder {FOLDER} with a file for each connection. Example: {FOLDER}/acme.env"
        )
    keys = folder.keys
    if connection in keys:
        return folder.file(connection), folder.defaults
    listed = ", ".join(keys) or f"none yet; add {folder.file('acme')}"
    if connection is None:
        raise SettingsError(f"--connection: choose one of {listed}. Example: --connection {next(iter(keys), 'acme')}")
    raise SettingsError(f"--connection: {printable(connection)} is not a connection. There are: {listed}")


def read(model: type[Read], files: Sequence[Path] = (), **given: Any) -> Read:  # noqa: ANN401
    """Read one group of settings; refuse names that are not settings. What is given wins over all that is read.

    The files are those of a connection, its own first; there are none for `.env` alone.

    Raises:
        SettingsError: a setting is missing or bad, a name is not a setting, or a file cannot be read.
    """
    try:
        if not_read := unread.problems(frozenset(variables()), files):
            raise SettingsError("\n".join(not_read))
        return model(_env_file=tuple(files) or ENV_FILE, **given)
    except ValidationError as error:
        refused = to_error(error, files)
    except SecretFileError as error:
        refused = SettingsError(prefix_of(str(error).partition(":")[0], files) + str(error))
    raise refused  # not above: it would hold pydantic's error, which is never freed and holds what called us


def prefix_of(variable: str, files: Sequence[Path]) -> str:
    """Return the file of a connection that has the variable, for a message; its own file if none has."""
    has = (file for file in files if variable in unread.names_of(unread.bindings(file)))
    file = next(has, files[0] if files else None)
    return "" if file is None else f"{file}: "


def named_fields() -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting: the variable's name and its field."""
    for field in Settings.model_fields.values():
        yield str(field.validation_alias), field


def variables() -> Iterator[str]:
    """Yield every variable that is read: the settings, and the files of those that are secret."""
    yield from (name for name, _ in named_fields())
    yield from (f"{name}{SUFFIX}" for name in secrets_of(Settings))


def protect_given_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for processes that load `.env` over it: what is given here still wins."""
    given = {name: environment[name] for name in variables() if name in environment}
    return {**environment, GIVEN: json.dumps(given)}


def to_error(error: ValidationError, files: Sequence[Path]) -> SettingsError:
    """Return one line a problem: file, variable, problem, example; never the value, which may be a secret."""
    fields = Settings.model_fields | dict(named_fields())
    problems = error.errors(include_input=False, include_url=False)
    lines = []
    for problem in problems:
        place = str(problem["loc"][0]) if problem["loc"] else ""
        is_of_several = problem["type"] == "no_credentials"
        field = None if is_of_several else fields.get(place)
        text = problem["msg"]
        for theirs, ours in PLAIN_WORDS.items():
            text = text.replace(theirs, ours)
        if field is not None:
            name = field.validation_alias
            what = "is missing" if problem["type"] == "missing" else text
            text = f"{name}: {what}. Example: {name}={(field.examples or [''])[0]}"
        lines.append(prefix_of(text.partition(":")[0], files) + text)
    missing = all(problem["type"] in ("missing", "no_credentials") for problem in problems)
    return (SettingsIncomplete if missing else SettingsError)("\n".join(lines))
