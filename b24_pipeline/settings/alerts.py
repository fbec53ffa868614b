"""The receivers of alerts. Everything is optional: without a receiver no alerts are sent."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from b24_pipeline.settings.base import LOOPBACK, PREFIX, TextList, check_scheme, setting, split_url
from b24_pipeline.settings.database import DatabaseSettings


class SmtpSecurity(StrEnum):
    """Encryption of the connection to the mail server; certificates are always verified."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class AlertSettings(DatabaseSettings):
    """The receivers of alerts; reading them needs no credentials of either system."""

    alert_webhook_url: SecretStr | None = setting(
        None,
        example="https://hooks.slack.com/services/T000/B000/secret",
        description='Alerts are posted here: as a card to a webhook of Teams, as `{"text": …}` to Slack and others. '
        "The whole URL is a secret.",
    )
    alert_email_to: TextList = setting(
        (),
        example="data-team@company.com,head@company.com",
        description="Alerts are sent to these addresses by e-mail. Empty: no e-mail.",
    )
    alert_email_from: str | None = setting(
        None, example="b24-pipeline@company.com", description="The sender of alerts by e-mail."
    )
    alert_smtp_host: str | None = setting(None, example="smtp.company.com", description="The mail server for alerts.")
    alert_smtp_port: int = setting(
        587,
        ge=1,
        le=65535,
        example="587",
        description="Its port: usually 587 for `starttls`, 465 for `tls`, 25 for `none`.",
    )
    alert_smtp_security: SmtpSecurity = setting(
        SmtpSecurity.STARTTLS,
        example="starttls",
        description="`starttls`, `tls` from the first byte, or `none` (with a password only for localhost).",
    )
    alert_smtp_user: str | None = setting(
        None, example="b24-pipeline", description="Login at the mail server, if required."
    )
    alert_smtp_password: SecretStr | None = setting(
        None, example="a long password", description="Password at the mail server."
    )

    ca_bundle: Path | None = setting(
        None,
        example="/etc/ssl/private-ca.pem",
        description="A private certificate authority, for on-premise portals and mail servers. TLS is always verified.",
    )

    @field_validator("alert_webhook_url")
    @classmethod
    def is_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_scheme(split_url(value.get_secret_value()))
        return value

    @model_validator(mode="after")
    def can_send_email(self) -> Self:
        """Require a sender and a server for e-mail, and encryption for a password."""
        for name, given, example in (
            (f"{PREFIX}ALERT_SMTP_HOST", self.alert_smtp_host, "smtp.company.com"),
            (f"{PREFIX}ALERT_EMAIL_FROM", self.alert_email_from, "b24-pipeline@company.com"),
        ):
            if self.alert_email_to and given is None:
                raise PydanticCustomError(
                    "alert_setting_needed",
                    f"{name}: is missing, but {PREFIX}ALERT_EMAIL_TO is set. Example: {name}={example}",
                )
        in_clear_text = self.alert_smtp_security is SmtpSecurity.NONE and self.alert_smtp_host not in LOOPBACK
        if self.alert_smtp_password is not None and in_clear_text:
            raise PydanticCustomError(
                "password_in_clear_text",
                f"{PREFIX}ALERT_SMTP_SECURITY: `none` would send the password in clear text. "
                f"Example: {PREFIX}ALERT_SMTP_SECURITY=starttls",
            )
        return self
