"""The settings, read from the environment or `.env`; a value given in the environment wins.

A missing or bad setting is one clear line that names it and an example (`SettingsError`), never a traceback.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo

from b24_pipeline.rules.models import Policy
from b24_pipeline.settings import env_precedence, unread
from b24_pipeline.settings.alerts import AlertSettings
from b24_pipeline.settings.base import ENV_FILE, DatabaseSettings, FolderSettings
from b24_pipeline.settings.connection import ConnectionSettings
from b24_pipeline.settings.dagster_home import DagsterHome
from b24_pipeline.settings.imports import ImportSettings
from b24_pipeline.settings.limits import LimitSettings
from b24_pipeline.settings.secret_files import SUFFIX, SecretFileError, secrets_of

__all__ = [
    "AlertSettings",
    "Settings",
    "SettingsError",
    "SettingsIncomplete",
    "dagster_home",
    "data_folder",
    "database_path",
    "export_address",
    "load",
    "load_alerting",
    "named_fields",
    "own_folder",
    "protect_given_environment",
]


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


class SettingsError(Exception):
    """A setting is missing or bad. The text has one line for each: its name, the problem, an example."""


class SettingsIncomplete(SettingsError):  # noqa: N818 - a state of a fresh clone, not a fault
    """Required settings are not set yet."""


def load() -> Settings:
    """Read all settings.

    Raises:
        SettingsIncomplete: a required setting is not set.
        SettingsError: a setting has an invalid value.
    """
    with readable():
        return Settings()


def load_alerting() -> AlertSettings:
    """Read the receivers of alerts, whatever else is set or missing.

    Raises:
        SettingsError: a setting of alerts has an invalid value.
    """
    with readable():
        return AlertSettings()


def database_path(chosen: str | None = None) -> Path:
    """Return the database: the one chosen, else the one that is set. Reading it needs no credentials.

    Raises:
        SettingsError: it is not the name of a file.
    """
    with readable():
        return (DatabaseSettings() if chosen is None else DatabaseSettings(database=Path(chosen))).database


def export_address() -> str | None:
    """Return where each import exports the audit, if that is set.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    with readable():
        return DatabaseSettings().export or None


def dagster_home() -> Path | None:
    """Return where Dagster keeps its runs, if that is set.

    Raises:
        SettingsError: it is not a folder.
    """
    with readable():
        return DagsterHome().home


def own_folder() -> Path | None:
    """Return the folder of all files; nothing in a project folder, which keeps them where its `dagster.yaml` says.

    Raises:
        SettingsError: it is not the name of a folder.
    """
    with readable():
        return FolderSettings().own_folder


def data_folder() -> Path:
    """Return the folder of the database and all other files.

    Raises:
        SettingsError: it is not the name of a folder.
    """
    with readable():
        return FolderSettings().data_folder


@contextmanager
def readable() -> Iterator[None]:
    """Turn errors of the block into texts for people; refuse names that are not settings.

    Raises:
        SettingsError: a setting is missing or bad, a name is not a setting, or `.env` cannot be read.
    """
    try:
        if not_read := unread.problems(frozenset(variables())):
            raise SettingsError("\n".join(not_read))
        yield
    except ValidationError as error:
        raise to_error(error) from None
    except SecretFileError as error:
        raise SettingsError(str(error)) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE}: is not text in UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(
            f"{ENV_FILE}: cannot be read ({error.strerror}). Give this user the right to read it."
        ) from None


def named_fields() -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting: the variable's name and its field."""
    for field in Settings.model_fields.values():
        yield variable_of(field), field


def variables() -> Iterator[str]:
    """Yield every variable that is read: the settings, and the files of those that are secret."""
    yield from (name for name, _ in named_fields())
    yield from (f"{name}{SUFFIX}" for name in secrets_of(Settings))


def variable_of(field: FieldInfo) -> str:
    """Return the variable that a field is read from."""
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else str(alias)


def protect_given_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for processes that load `.env` over it: what is given here still wins."""
    return env_precedence.protect(environment, names=variables())


def to_error(error: ValidationError) -> SettingsError:
    """Return one line a problem: the variable, the problem, an example; never the value, which may be a secret."""
    fields = dict(named_fields())
    problems = error.errors(include_input=False, include_url=False)
    lines = []
    for problem in problems:
        place = str(problem["loc"][0]) if problem["loc"] else ""
        is_of_several = problem["type"] == "no_credentials"
        field = None if is_of_several else fields.get(place) or Settings.model_fields.get(place)
        text = problem["msg"].removeprefix("Value error, ")
        if field is None:
            lines.append(text)
        else:
            name = variable_of(field)
            what = "is missing" if problem["type"] == "missing" else text
            lines.append(f"{name}: {what}. Example: {name}={(field.examples or [''])[0]}")
    missing = all(problem["type"] in ("missing", "no_credentials") for problem in problems)
    return (SettingsIncomplete if missing else SettingsError)("\n".join(lines))
