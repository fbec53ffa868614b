"""The channels of alerts: a webhook, and e-mail. Each is optional; its errors are one line, without secrets."""

import smtplib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from b24_pipeline.alerts.messages import Message
from b24_pipeline.connection import MIB, http_client, ssl_context
from b24_pipeline.http import ProxyFailed, ProxyRefused, ResponseRefused, Secrets
from b24_pipeline.settings import AlertSettings, SettingsError
from b24_pipeline.settings.alerts import SmtpSecurity

TIMEOUT_SECONDS = 10.0
TEAMS_HOSTS = ("logic.azure.com", "powerplatform.com", "webhook.office.com")
"""Hosts of Teams' webhooks: those of Workflows, new and old, and of the connectors before them."""
Payload = dict[str, Any]


class NotDelivered(Exception):  # noqa: N818
    """A receiver did not take the message; the text names what happened, never an address or a response."""


class Channel(Protocol):
    """One way to notify people, under a name by which it is remembered and shown."""

    @property
    def name(self) -> str: ...

    def send(self, message: Message) -> None:
        """Deliver the message, or raise `NotDelivered`: the receiver is down or refused it."""


def plain(message: Message) -> Payload:
    """The text, as Slack, Mattermost and others take it."""
    return {"text": message.text}


def card(message: Message) -> Payload:
    """An Adaptive Card, as a Teams workflow takes it, with each line as it stands.

    Unlike a text block, a run of text is no Markdown, so nothing in it becomes a link.
    """
    runs = [{"type": "TextRun", "text": line, "weight": "Default"} for line in message.text.splitlines()]
    runs[0]["weight"] = "Bolder"
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": [run]} for run in runs],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


@dataclass(frozen=True, slots=True)
class Webhook:
    """JSON by HTTP, in the form that the receiver takes."""

    settings: AlertSettings
    payload: Callable[[Message], Payload] = plain
    name: str = "webhook"
    timeout_seconds: float = TIMEOUT_SECONDS

    def send(self, message: Message) -> None:
        """Post the message; redirects are not followed."""
        url = self.settings.alert_webhook_url
        timeout = httpx.Timeout(self.timeout_seconds)
        try:
            with http_client(self.settings, timeout=timeout, max_bytes=MIB, secrets=Secrets()) as http:
                response = http.post(url.get_secret_value() if url else "", json=self.payload(message))
        except (ProxyRefused, ProxyFailed, ResponseRefused, SettingsError) as error:
            raise NotDelivered(f"alert webhook: {error}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDelivered(f"alert webhook: {type(error).__name__}") from None
        if not response.is_success:
            raise NotDelivered(f"alert webhook returned HTTP {response.status_code}")


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
            raise NotDelivered(f"alert mail server: {type(error).__name__} ({error.smtp_code})") from None
        except SettingsError as error:
            raise NotDelivered(f"alert mail server: {error}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(f"alert mail server: {type(error).__name__}") from None

    def _server(self) -> smtplib.SMTP:
        chosen = self.settings
        host, port, security = chosen.alert_smtp_host or "", chosen.alert_smtp_port, chosen.alert_smtp_security
        if security is SmtpSecurity.TLS:
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl_context(chosen))
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        if security is SmtpSecurity.STARTTLS:
            try:
                server.starttls(context=ssl_context(chosen))
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
    channels: list[Channel] = []
    if settings.alert_webhook_url is not None:
        host = (urlsplit(settings.alert_webhook_url.get_secret_value()).hostname or "").casefold().rstrip(".")
        is_of_teams = any(f".{host}".endswith(f".{teams}") for teams in TEAMS_HOSTS)
        channels.append(Webhook(settings, card if is_of_teams else plain))
    if settings.alert_email_to:
        channels.append(Email(settings))
    return channels
