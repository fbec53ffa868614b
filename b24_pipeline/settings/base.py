"""Declaration and reading of settings; and where files go."""

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

import pydantic_settings
from pydantic import AliasGenerator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import (
    DotEnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from b24_pipeline.http import has_usable_host
from b24_pipeline.project_folder import in_project
from b24_pipeline.settings.connections import database_of
from b24_pipeline.settings.dagster import ENV_FILE, GivenEnvironment
from b24_pipeline.settings.secret_files import SecretFiles

PREFIX = "B24_PIPELINE_"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
QUOTES = frozenset("\"'`“”„«»‘’")
FREE_TEXTS = frozenset({"last_name_prefix", "callgear_password", "alert_smtp_password"})
"""Fields in which blanks and single quotes at an end count."""
PROJECT_DATA = Path("data")
"""Where a project folder keeps its files."""
OWN_DATA = Path("b24_pipeline_data")
"""Where they go elsewhere."""
FILE_NAME = re.compile(r"(?![~$]|:memory:|\w{2,}:)")
"""No name that a shell would expand, and none that DuckDB does not take for a local file."""


class SettingsError(Exception):
    """A setting is missing or bad. The text has one line for each: its name, the problem, an example."""


def variable_named_like(field: str) -> str:
    """Return the variable that a field is read from, unless it names another one."""
    return field.upper() if field.startswith(("bitrix24_", "callgear_")) else f"{PREFIX}{field.upper()}"


def setting(default: Any = ..., *, example: str, description: str, **given: Any) -> Any:  # noqa: ANN401
    return Field(default, description=description, examples=[example], **given)


class BaseSettings(pydantic_settings.BaseSettings):
    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_prefix=PREFIX,  # of fields' names, which would be variables, too: DATABASE may be somebody else's
        env_file_encoding="utf-8",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
        alias_generator=AliasGenerator(validation_alias=variable_named_like),
    )

    @field_validator("*", mode="before")
    @classmethod
    def is_text(cls, value: object, info: ValidationInfo) -> object:
        """Require UTF-8, and strip what surrounds a value; an empty one is absent where that is allowed."""
        if is_blank(value) and cls.model_fields[str(info.field_name)].default is None:
            return None
        return plain(value, free=info.field_name in FREE_TEXTS) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[pydantic_settings.BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the given environment win over `.env`, also in Dagster's processes, and read secrets from files.

        A tuple of files, the defaults of all connections last, names a connection: they win over the environment.
        """
        given = GivenEnvironment(settings_cls)
        files = dotenv_settings.env_file if isinstance(dotenv_settings, DotEnvSettingsSource) else None
        if isinstance(files, tuple):
            own = (DotEnvSettingsSource(settings_cls, env_file=file) for file in files)
            sources = (*own, given, env_settings, DotEnvSettingsSource(settings_cls, env_file=ENV_FILE))
            key = files[0].stem
            database = database_of(key, data=FolderSettings().data_folder)
            defaults = {"database": database, "lake_schema": key} if len(files) > 1 else {}
            last = InitSettingsSource(settings_cls, init_kwargs=defaults)
            return init_settings, SecretFiles(settings_cls, sources=sources), *sources, last
        sources = (given, env_settings, dotenv_settings)
        return init_settings, SecretFiles(settings_cls, sources=sources), *sources


class FolderSettings(BaseSettings):
    pipeline_home: Path | None = setting(
        None,
        validation_alias=f"{PREFIX}HOME",
        example="/var/lib/b24_pipeline",
        description="The folder of all files: the database, the report, Dagster's runs, the sandbox. Empty: `data` in a"
        " project folder, elsewhere `b24_pipeline_data`.",
    )

    @field_validator("pipeline_home")
    @classmethod
    def is_folder_name(cls, value: Path | None) -> Path | None:
        """Refuse what cannot be a folder of this machine."""
        if value is not None and (not FILE_NAME.match(str(value)) or os.path.isfile(value)):  # noqa: PTH113
            raise ValueError("must name a folder; ~ and $ are not expanded")
        return value

    @property
    def own_folder(self) -> Path | None:
        """The folder of all files; nothing in a project folder, which keeps them where its `dagster.yaml` says."""
        return self.pipeline_home or (None if in_project() else OWN_DATA)

    @property
    def data_folder(self) -> Path:
        """The folder of the database and all other files."""
        return self.own_folder or PROJECT_DATA


def plain(text: str, *, free: bool) -> str:
    """Strip blanks, line ends and invisible characters; of a free text only line ends.

    Raises:
        ValueError: it is not text in UTF-8, or contains a control character or quotes around it. The message does not
            repeat it, as it may be a secret.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not text in UTF-8") from None
    text = text.strip("\r\n") if free else trimmed(text)
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("contains a control character")
    ends = [end in QUOTES for end in (text.strip()[:1], text.strip()[-1:])]
    if len(text) > 1 and (all(ends) or (any(ends) and not free)):
        raise ValueError("has kept quotes as part of its value (as podman --env-file does): write it without quotes")
    return text


def trimmed(text: str) -> str:
    """Return the text without blanks, line ends, and format characters like a byte order mark around it."""
    shown = [
        number
        for number, character in enumerate(text)
        if not (character.isspace() or unicodedata.category(character) in ("Cc", "Cf"))
    ]
    return text[shown[0] : shown[-1] + 1] if shown else ""


def is_blank(value: object) -> bool:
    """Return whether the value is empty, as in a fresh copy of `.env.example`."""
    return isinstance(value, str) and not trimmed(value)


def parts(text: str) -> list[str]:
    return [part for part in map(trimmed, text.split(",")) if part]


def whole_number(text: str) -> int:
    """Return one number of a list.

    Raises:
        ValueError: it is not a whole number.
    """
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be whole numbers, separated by commas")
    return int(text)


def list_of(item: Callable[[str], object]) -> BeforeValidator:
    """Read a comma-separated list, each part by `item`; what is no text stays as it is."""
    return BeforeValidator(lambda value: list(map(item, parts(value))) if isinstance(value, str) else value)


TextList = Annotated[tuple[str, ...], NoDecode, list_of(str)]
IntegerList = Annotated[frozenset[int], NoDecode, list_of(whole_number)]


def split_url(text: str) -> SplitResult:
    """Split a URL; where its host or port is not valid, the error does not repeat it, as it may be a secret.

    Raises:
        ValueError: its host or port is not valid. The message does not repeat the URL, which may be a secret.
    """
    try:
        url = urlsplit(text)
        _ = url.hostname, url.port
        usable = has_usable_host(url.geturl())
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is not a valid URL")
    return url


def check_address(url: SplitResult) -> None:
    """Require https, or http to this machine, and nothing but host and path."""
    if url.username is not None or url.query or url.fragment:
        raise ValueError("has more than a host and a path: leave out what is before an @ or after a ? or #")
    check_scheme(url)


def check_scheme(url: SplitResult) -> None:
    """Require https, or http to this machine."""
    if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK)):
        raise ValueError("must begin with https:// (plain http:// is accepted for 127.0.0.1 only)")
