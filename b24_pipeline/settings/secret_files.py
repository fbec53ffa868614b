"""Secrets from files, as Docker, systemd and Kubernetes hand them over: `CALLGEAR_PASSWORD_FILE=/run/secrets/pw`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

SUFFIX = "_FILE"
MAX_BYTES = 64 * 1024


class SecretFileError(Exception):
    """The file of a secret cannot be used. The text names variable and file, never the content."""


class SecretFiles(EnvSettingsSource):
    """The secrets whose variable with `_FILE` names a file; the first source with a secret or its file decides."""

    def __init__(self, settings_cls: type[BaseSettings], *, sources: Sequence[PydanticBaseSettingsSource]) -> None:
        self._given = [source.env_vars for source in sources if isinstance(source, EnvSettingsSource)]
        super().__init__(settings_cls)

    def __call__(self) -> dict[str, Any]:
        """Read the files.

        Raises:
            SecretFileError: one cannot be read, or one source gives a secret twice.
        """
        found: dict[str, Any] = {}
        for name in secrets_of(self.settings_cls):
            direct, file = name.lower(), f"{name}{SUFFIX}".lower()
            decides = next((given for given in self._given if direct in given or file in given), {})
            path = decides.get(file)
            if path and (decides.get(direct) or "").strip():
                raise SecretFileError(f"{name}{SUFFIX}: {name} is set, too. Set one of the two.")
            if path:
                found[name] = read_secret(path, variable=f"{name}{SUFFIX}")
        return found


def read_secret(path: str, *, variable: str) -> str:
    """Read the file of a secret.

    Raises:
        SecretFileError: it cannot be read, is empty, too large, or not text.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SecretFileError(f"{variable}: {path} is too large for a secret.")
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        example = f"{variable}=/run/secrets/{variable.removesuffix(SUFFIX).lower()}"
        raise SecretFileError(f"{variable}: {path} cannot be read ({reason}). Example: {example}") from None
    if not text.strip():
        raise SecretFileError(f"{variable}: {path} is empty.")
    return text


def secrets_of(settings: type[BaseModel]) -> list[str]:
    """Return the variables that hold a secret."""
    return [str(field.validation_alias) for field in settings.model_fields.values() if is_secret(field)]


def is_secret(field: FieldInfo) -> bool:
    return field.annotation in (SecretStr, SecretStr | None)
