"""Where messages go: a webhook, and e-mail. Each is optional; one that is down says so in one line, without secrets."""

import smtplib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol

import httpx

from b24_pipeline.alerts.messages import Message
from b24_pipeline.alerts.payloads import Body, body_for, plain
from b24_pipeline.connection import MIB, http_client, trusted_authorities
from b24_pipeline.http import ProxyFailed, ProxyRefused, ResponseRefused
from b24_pipeline.redaction import Secrets
from b24_pipeline.settings import AlertSettings, SettingsError
from b24_pipeline.settings.alerts import SmtpSecurity

TIMEOUT_SECONDS = 10.0


class NotDelivered(Exception):  # noqa: N818
    """A receiver did not take the message; the text names what happened, never an address or an answer."""


class Channel(Protocol):
    """One way to tell people."""

    @property
    def name(self) -> str:
        """What is remembered of it, and shown."""

    def send(self, message: Message) -> None:
        """Deliver the message.

        Raises:
            NotDelivered: the receiver is down or refused it.
        """


@dataclass(frozen=True, slots=True)
class Webhook:
    """JSON by HTTP, in the form that the receiver takes."""

    settings: AlertSettings
    body: Callable[[Message], Body] = plain
    name: str = "webhook"
    timeout_seconds: float = TIMEOUT_SECONDS

    def send(self, message: Message) -> None:
        """Post the message; redirects are not followed."""
        url = self.settings.alert_webhook_url
        timeout = httpx.Timeout(self.timeout_seconds)
        try:
            with http_client(self.settings, timeout=timeout, most_bytes=MIB, secrets=Secrets()) as http:
                answer = http.post(url.get_secret_value() if url else "", json=self.body(message))
        except (ProxyRefused, ProxyFailed, ResponseRefused, SettingsError) as error:
            raise NotDelivered(f"the webhook for alerts: {error}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDelivered(f"the webhook for alerts: {type(error).__name__}") from None
        if not answer.is_success:
            raise NotDelivered(f"the webhook for alerts answered with status {answer.status_code}")


@dataclass(frozen=True, slots=True)
class Email:
    """Plain text by SMTP."""

    settings: AlertSettings
    name: str = "e-mail"

    def send(self, message: Message) -> None:
        """Send the message to every address; refused by all is not delivered."""
        try:
            with self._server() as server:
                password = self.settings.alert_smtp_password
                if self.settings.alert_smtp_user is not None:
                    server.login(self.settings.alert_smtp_user, password.get_secret_value() if password else "")
                server.send_message(self._mail(message))
        except smtplib.SMTPResponseException as error:
            raise NotDelivered(f"the mail server for alerts: {type(error).__name__} ({error.smtp_code})") from None
        except SettingsError as error:
            raise NotDelivered(f"the mail server for alerts: {error}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(f"the mail server for alerts: {type(error).__name__}") from None

    def _server(self) -> smtplib.SMTP:
        chosen = self.settings
        host, port, security = chosen.alert_smtp_host or "", chosen.alert_smtp_port, chosen.alert_smtp_security
        if security is SmtpSecurity.TLS:
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=trusted_authorities(chosen))
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        if security is SmtpSecurity.STARTTLS:
            try:
                server.starttls(context=trusted_authorities(chosen))
            except BaseException:
                with suppress(OSError):
                    server.close()
                raise
        return server

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self.settings.alert_email_from
        mail["To"] = ", ".join(self.settings.alert_email_to)
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain="b24-pipeline.invalid")
        mail.set_content(message.text)
        return mail


def channels_of(settings: AlertSettings) -> list[Channel]:
    """The receivers that are set."""
    channels: list[Channel] = []
    if settings.alert_webhook_url is not None:
        channels.append(Webhook(settings, body_for(settings.alert_webhook_url.get_secret_value())))
    if settings.alert_email_to:
        channels.append(Email(settings))
    return channels
