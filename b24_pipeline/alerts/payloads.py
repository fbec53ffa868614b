"""What a webhook takes: Slack and most others `{"text": ...}`, Microsoft Teams a card."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from b24_pipeline.alerts.messages import Message

TEAMS_HOSTS = ("logic.azure.com", "powerplatform.com", "webhook.office.com")
"""Where webhooks of Teams are: those of Workflows, new and old, and of the connectors before them."""
Body = dict[str, Any]


def body_for(url: str) -> Callable[[Message], Body]:
    """How a message is written for the webhook at this address."""
    return card if is_teams(urlsplit(url).hostname or "") else plain


def is_teams(host: str) -> bool:
    """Whether a host is one of Teams, or under one."""
    return any(f".{host.casefold().rstrip('.')}".endswith(f".{teams}") for teams in TEAMS_HOSTS)


def plain(message: Message) -> Body:
    """The text, as Slack, Mattermost and others take it."""
    return {"text": message.text}


def card(message: Message) -> Body:
    """An Adaptive Card, as a Teams workflow takes it."""
    subject, *lines = message.text.splitlines()
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [paragraph(subject, weight="Bolder"), *(paragraph(line, weight="Default") for line in lines)],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def paragraph(line: str, *, weight: str) -> Body:
    """One line as it stands: unlike a text block, a run of text is no Markdown, so nothing in it becomes a link."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": line, "weight": weight}]}
