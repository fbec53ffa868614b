"""Messages reach real receivers; one that is down or refuses says so without an address or a secret."""

from collections.abc import Callable
from typing import Any

import pytest

from b24_pipeline.alerts.channels import Channel, Email, NotDelivered, Payload, Webhook, card, channels_of, plain
from b24_pipeline.alerts.messages import Message
from b24_pipeline.settings import AlertSettings
from b24_pipeline_tests.alerts.receivers import CERTIFICATE, SECRET, mail_receiver, web_receiver
from b24_pipeline_tests.processes import free_port
from b24_pipeline_tests.slow_server import IN_ANY_CASE, dripping

MESSAGE = Message(subject="portal → account: held", text="portal → account: held\nWho: Лебедева Ира")
MAIL: dict[str, Any] = {
    "alert_email_to": "data@x.test,head@x.test",
    "alert_email_from": "b24@x.test",
    "alert_smtp_host": "127.0.0.1",
}


def chosen(**fields: Any) -> AlertSettings:
    return AlertSettings(_env_file=None, **fields)  # type: ignore[call-arg]


@pytest.mark.parametrize("payload", [plain, card])
def test_a_webhook_gets_the_message_in_its_own_form(payload: Callable[[Message], Payload]) -> None:
    with web_receiver() as hook:
        Webhook(chosen(alert_webhook_url=hook.url), payload).send(MESSAGE)
    assert hook.posted == [payload(MESSAGE)]
    assert hook.paths == [f"/services/{SECRET}"]


@pytest.mark.parametrize(
    ("url", "payload"),
    [
        ("https://prod-186.westus.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=s", card),
        ("https://default1.61.environment.api.powerplatform.com:443/powerautomate/automations/direct?sig=s", card),
        ("https://company.webhook.office.com/webhookb2/1", card),
        ("https://COMPANY.WEBHOOK.OFFICE.COM./webhookb2/1", card),
        ("https://hooks.slack.com/services/T000/B000/secret", plain),
        ("https://mattermost.company.test/hooks/logic.azure.com", plain),
        ("https://notlogic.azure.com/a", plain),
        ("https://logic.azure.com.company.test/a", plain),
        ("http://127.0.0.1:8065/hooks/1", plain),
    ],
)
def test_the_host_of_the_webhook_decides_the_form(url: str, payload: Callable[[Message], Payload]) -> None:
    (channel,) = channels_of(chosen(alert_webhook_url=url))
    assert isinstance(channel, Webhook)
    assert channel.payload is payload


def test_slack_gets_the_text_only() -> None:
    assert plain(MESSAGE) == {"text": MESSAGE.text}


def test_teams_gets_a_card_of_plain_runs_of_text_in_which_nothing_is_markup() -> None:
    hostile = Message(subject="held", text='held\nWho: [Ira](https://evil.test) **x** <at>all</at> "}]} {{DATE(1)}}')
    assert card(hostile) == {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        {
                            "type": "RichTextBlock",
                            "inlines": [{"type": "TextRun", "text": line, "weight": weight}],
                        }
                        for line, weight in zip(hostile.text.splitlines(), ("Bolder", "Default"), strict=True)
                    ],
                },
            }
        ],
    }


@pytest.mark.parametrize("status", [301, 404, 429, 500])
def test_a_webhook_that_refuses_names_its_status_and_not_its_address(status: int) -> None:
    with web_receiver(status=status) as hook, pytest.raises(NotDelivered) as refused:
        Webhook(chosen(alert_webhook_url=hook.url)).send(MESSAGE)
    assert str(refused.value) == f"alert webhook returned HTTP {status}"
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_webhook_that_is_down_names_no_address() -> None:
    channel = Webhook(chosen(alert_webhook_url=f"http://127.0.0.1:{free_port()}/{SECRET}"))
    with pytest.raises(NotDelivered) as refused:
        channel.send(MESSAGE)
    assert str(refused.value) == "alert webhook: ConnectError"


def test_a_webhook_whose_answer_drips_is_given_up() -> None:
    with dripping() as drip:
        channel = Webhook(chosen(alert_webhook_url=drip.url), timeout_seconds=0.3)
        with pytest.raises(NotDelivered, match="ReadTimeout"):
            channel.send(MESSAGE)

        assert drip.hung_up.wait(IN_ANY_CASE)


def test_an_email_reaches_every_address() -> None:
    with mail_receiver() as mailbox:
        Email(chosen(**MAIL, alert_smtp_port=mailbox.port, alert_smtp_security="none")).send(MESSAGE)
    (mail,) = mailbox.mails
    assert (mail["Subject"], mail["From"]) == (MESSAGE.subject, "b24@x.test")
    assert mail.get_content().replace("\r\n", "\n").strip() == MESSAGE.text
    assert mailbox.recipients == [["data@x.test", "head@x.test"]]


def test_an_email_is_sent_by_starttls_after_login() -> None:
    with mail_receiver(starttls=True, login=True) as mailbox:
        Email(
            chosen(
                **MAIL,
                alert_smtp_port=mailbox.port,
                alert_smtp_user="b24",
                alert_smtp_password="the password",
                ca_bundle=CERTIFICATE,
            )
        ).send(MESSAGE)
    assert (len(mailbox.mails), mailbox.logins) == (1, [("b24", "the password")])


def test_a_mail_server_with_an_unknown_certificate_gets_neither_password_nor_mail() -> None:
    with mail_receiver(starttls=True, login=True) as mailbox, pytest.raises(NotDelivered) as refused:
        Email(
            chosen(**MAIL, alert_smtp_port=mailbox.port, alert_smtp_user="b24", alert_smtp_password="the password")
        ).send(MESSAGE)
    assert (mailbox.mails, mailbox.logins) == ([], [])
    assert str(refused.value) == "alert mail server: SSLCertVerificationError"


def test_a_mail_server_without_starttls_gets_no_mail_when_starttls_is_set() -> None:
    with mail_receiver() as mailbox, pytest.raises(NotDelivered, match="SMTPNotSupportedError"):
        Email(chosen(**MAIL, alert_smtp_port=mailbox.port)).send(MESSAGE)
    assert mailbox.mails == []


def test_a_wrong_password_is_not_repeated_in_the_error() -> None:
    with mail_receiver(starttls=True, login=True) as mailbox, pytest.raises(NotDelivered) as refused:
        Email(
            chosen(
                **MAIL,
                alert_smtp_port=mailbox.port,
                alert_smtp_user="b24",
                alert_smtp_password="wrong",
                ca_bundle=CERTIFICATE,
            )
        ).send(MESSAGE)
    assert str(refused.value) == "alert mail server: SMTPAuthenticationError (535)"


def test_a_mail_server_that_refuses_or_is_down_names_no_address() -> None:
    with mail_receiver(refuses=True) as mailbox, pytest.raises(NotDelivered, match=r"SMTPDataError \(451\)$"):
        Email(chosen(**MAIL, alert_smtp_port=mailbox.port, alert_smtp_security="none")).send(MESSAGE)
    with pytest.raises(NotDelivered, match=r"^alert mail server: ConnectionRefusedError$"):
        Email(chosen(**MAIL, alert_smtp_port=free_port())).send(MESSAGE)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, []),
        ({"alert_webhook_url": "", "alert_email_to": ""}, []),
        ({"alert_webhook_url": "https://hooks.x.test/a"}, ["webhook"]),
        (MAIL, ["e-mail"]),
        ({**MAIL, "alert_webhook_url": "https://hooks.x.test/a"}, ["webhook", "e-mail"]),
    ],
)
def test_each_receiver_is_optional(fields: dict[str, Any], names: list[str]) -> None:
    assert [channel.name for channel in channels_of(chosen(**fields))] == names


def test_the_settings_show_no_secret() -> None:
    shown = repr(chosen(**MAIL, alert_webhook_url=f"https://hooks.x.test/{SECRET}", alert_smtp_password="the password"))
    assert SECRET not in shown
    assert "the password" not in shown


CHANNELS: list[Callable[[AlertSettings], Channel]] = [Webhook, Email]


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_channel_shows_no_secret(kind: Callable[[AlertSettings], Channel]) -> None:
    assert SECRET not in repr(kind(chosen(alert_webhook_url=f"https://hooks.x.test/{SECRET}")))
