"""The settings of a connection, read from the environment or `.env`; a value given in the environment wins.

A missing or bad setting is one clear line that names it and an example (`SettingsError`), never a traceback.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo

from b24_pipeline.settings import env_precedence, unread
from b24_pipeline.settings.alerts import AlertSettings
from b24_pipeline.settings.base import ENV_FILE, DatabaseSetting
from b24_pipeline.settings.connection import Settings
from b24_pipeline.settings.dagster_home import DagsterHome

__all__ = [
    "AlertSettings",
    "Settings",
    "SettingsError",
    "SettingsIncomplete",
    "dagster_home",
    "database_path",
    "export_address",
    "load",
    "load_alerting",
    "named_fields",
    "protect_given_environment",
]


class SettingsError(Exception):
    """A setting is missing or bad. The text has one line for each: its name, what is wrong, an example."""


class SettingsIncomplete(SettingsError):  # noqa: N818 - a state of a fresh clone, not a fault
    """Settings without which nothing can be read are not there yet."""


def load() -> Settings:
    """The settings from the environment and `.env`.

    Raises:
        SettingsIncomplete: something that is required is not set.
        SettingsError: something is set to what it cannot be.
    """
    with readable():
        return Settings()


def load_alerting() -> AlertSettings:
    """The receivers of alerts, whatever else is set or missing.

    Raises:
        SettingsError: a receiver is set to what it cannot be.
    """
    with readable():
        return AlertSettings()


def database_path(chosen: str | None = None) -> Path:
    """The database that people open: the one chosen, else the one that is set. Reading it needs no credentials.

    Raises:
        SettingsError: it is no file's name.
    """
    with readable():
        return (DatabaseSetting() if chosen is None else DatabaseSetting(database=Path(chosen))).database


def export_address() -> str | None:
    """Where the audit is exported to after each import, where that is set. Reading it needs no credentials.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    with readable():
        return DatabaseSetting().export or None


def dagster_home() -> Path | None:
    """Where Dagster keeps its runs, where that is said in the environment or in `.env`.

    Raises:
        SettingsError: it is no folder.
    """
    with readable():
        return DagsterHome().home


@contextmanager
def readable() -> Iterator[None]:
    """Say in words what cannot be read in the block, or would not be read at all.

    Raises:
        SettingsError: a setting is missing or bad, nobody reads a name, or `.env` cannot be read.
    """
    try:
        if not_read := unread.problems(frozenset(name for name, _ in named_fields())):
            raise SettingsError("\n".join(not_read))
        yield
    except ValidationError as error:
        raise in_words(error) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{ENV_FILE}: is not text in UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(
            f"{ENV_FILE}: cannot be read ({error.strerror}). Give this user the right to read it."
        ) from None


def named_fields() -> Iterator[tuple[str, FieldInfo]]:
    """Every setting: the variable's name and its field."""
    for field in Settings.model_fields.values():
        yield variable_of(field), field


def variable_of(field: FieldInfo) -> str:
    """The variable that a field is read from."""
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else str(alias)


def protect_given_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for processes that load `.env` over their own: what is given here still wins."""
    return env_precedence.protect(environment, names=[name for name, _ in named_fields()])


def in_words(error: ValidationError) -> SettingsError:
    """One line a problem: the variable, what is wrong, an example; never the value, which may be a secret."""
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
