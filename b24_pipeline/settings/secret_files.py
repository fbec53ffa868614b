"""Secrets from files, as Docker, systemd and Kubernetes hand them over: `CALLGEAR_PASSWORD_FILE=/run/secrets/pw`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

SUFFIX = "_FILE"
MAX_BYTES = 64 * 1024


class SecretFileError(Exception):
    """The file of a secret cannot be used. The text names variable and file, never the content."""


class SecretFiles(EnvSettingsSource):
    """The secrets whose variable with `_FILE` names a file.

    Args:
        variables: all variables that were given, by lower-case name.
    """

    def __init__(self, settings_cls: type[BaseSettings], *, variables: Mapping[str, str | None]) -> None:
        self._variables = variables
        super().__init__(settings_cls)

    def __call__(self) -> dict[str, Any]:
        """Read the files.

        Raises:
            SecretFileError: one cannot be read, or the secret is given twice.
        """
        named = ((name, self._variables.get(f"{name}{SUFFIX}".lower())) for name in secrets_of(self.settings_cls))
        return {name: self._secret(name, path) for name, path in named if path}

    def _secret(self, name: str, path: str) -> str:
        if (self._variables.get(name.lower()) or "").strip():
            raise SecretFileError(f"{name}{SUFFIX}: {name} is set, too. Set one of the two.")
        try:
            content = Path(path).read_bytes()
            if len(content) > MAX_BYTES:
                raise SecretFileError(f"{name}{SUFFIX}: {path} is too large for a secret.")
            return content.decode()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
            example = f"{name}{SUFFIX}=/run/secrets/{name.lower()}"
            raise SecretFileError(f"{name}{SUFFIX}: {path} cannot be read ({reason}). Example: {example}") from None


def secrets_of(settings: type[BaseModel]) -> Iterator[str]:
    """Yield the variables that hold a secret."""
    for field in settings.model_fields.values():
        if is_secret(field):
            yield str(field.validation_alias.choices[0])  # type: ignore[union-attr]


def is_secret(field: FieldInfo) -> bool:
    """Return whether the field holds a secret."""
    return field.annotation in (SecretStr, SecretStr | None)
