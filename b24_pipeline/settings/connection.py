"""The connection: portal, account, and HTTP."""

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from b24_pipeline.rules.models import Edition
from b24_pipeline.settings.base import PREFIX, BaseSettings, check_address, is_blank, setting, split_url


class ConnectionSettings(BaseSettings):
    bitrix24_webhook_url: SecretStr = setting(
        example="https://company.bitrix24.com/rest/1/abcdefgh12345678/",
        description="The portal's inbound webhook, with the scopes `user` and `department`. The whole URL is a secret.",
    )
    callgear_access_token: SecretStr | None = setting(
        None, example="x9k2m4p6q8r0", description="A permanent Data API key of CallGear; or login and password."
    )
    callgear_login: str | None = setting(None, example="api@company.com", description="Login, if there is no key.")
    callgear_password: SecretStr | None = setting(
        None, example="a long password", description="Password, if there is no key.", validate_default=True
    )
    callgear_user_id: int | None = setting(
        None, ge=1, example="10234", description="Only for agents: the client's user on whose behalf to call."
    )
    bitrix24_edition: Edition = setting(
        Edition.CLOUD,
        example="on_premise",
        description="`cloud` or `on_premise`; on-premise portals require a department of each employee (R02).",
    )
    callgear_api_url: str = setting(
        "https://dataapi.callgear.com/v2.0",
        example="https://dataapi.callgear.com/v2.0",
        description="The address of the CallGear Data API.",
    )
    http_timeout_seconds: float = setting(
        65.0,
        gt=0,
        le=3600,
        example="65",
        description="Timeout for a complete response: connecting, sending, and every byte received.",
    )
    max_response_mib: int = setting(
        64,
        ge=1,
        le=1024,
        example="64",
        description="Maximum size of a response, in MiB after decoding. A larger one is refused, not retried.",
    )
    callgear_in_flight: int = setting(
        8,
        validation_alias=f"{PREFIX}CALLGEAR_IN_FLIGHT",
        ge=1,
        le=64,
        example="8",
        description="Maximum number of CallGear requests in flight.",
    )

    @field_validator("bitrix24_webhook_url", mode="before")
    @classmethod
    def empty_is_missing(cls, value: object) -> object:
        """Treat an empty line in `.env` as missing."""
        if is_blank(value):
            raise PydanticCustomError("missing", "is missing")
        return value

    @field_validator("bitrix24_webhook_url")
    @classmethod
    def is_webhook(cls, value: SecretStr) -> SecretStr:
        """Require the form https://{host}/rest/{user_id}/{code}/ (contract 1.1); plain http for loopback only."""
        url = split_url(value.get_secret_value())
        segments = [segment for segment in url.path.split("/") if segment]
        if len(segments) != 3 or segments[0] != "rest" or not segments[1].isdigit():
            raise ValueError("is not the address of an inbound webhook")
        check_address(url)
        return SecretStr(f"{url.scheme}://{url.netloc}/{'/'.join(segments)}/")

    @field_validator("callgear_api_url")
    @classmethod
    def is_https(cls, value: str) -> str:
        url = split_url(value)
        check_address(url)
        return url.geturl()

    @field_validator("callgear_password")
    @classmethod
    def has_credentials(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Require a key, or login and password; reported together with whatever else is missing."""
        key, login = (info.data.get(name, "bad") for name in ("callgear_access_token", "callgear_login"))
        if key is None and (login is None) is not (value is None):
            given, missing = ("LOGIN", "PASSWORD") if value is None else ("PASSWORD", "LOGIN")
            raise PydanticCustomError(
                "no_credentials",
                "CALLGEAR_{missing}: is missing, but CALLGEAR_{given} is set. Example: CALLGEAR_{missing}=x9k2m4p6",
                {"missing": missing, "given": given},
            )
        if key is None and value is None:
            raise PydanticCustomError(
                "no_credentials",
                "CALLGEAR_ACCESS_TOKEN: is missing (or CALLGEAR_LOGIN and CALLGEAR_PASSWORD). "
                "Example: CALLGEAR_ACCESS_TOKEN=x9k2m4p6q8r0",
            )
        return value
