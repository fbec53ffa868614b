"""Real receivers of alerts on 127.0.0.1: a web server and a mail server that keep what they are sent."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from b24_pipeline_tests.http_server import PostHandler, serving
from b24_pipeline_tests.processes import free_port

CERTIFICATE = Path(__file__).with_name("localhost.pem")
SECRET = "T000/B000/very-secret-hook"


@dataclass
class Hook:
    """A webhook's end: what was posted, and how it answers."""

    status: int = 200
    posted: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def texts(self) -> list[str]:
        return [body["text"] for body in self.posted]

    @property
    def subjects(self) -> list[str]:
        return [text.partition("\n")[0].partition(": ")[2] for text in self.texts]


@contextmanager
def web_receiver(*, status: int = 200) -> Iterator[Hook]:
    hook = Hook(status)

    class Handler(PostHandler):
        def answer(self, body: bytes) -> None:
            if hook.status == 200:
                hook.posted.append(json.loads(body))
                hook.paths.append(self.path)
            self.send_response(hook.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as address:
        hook.url = f"{address}services/{SECRET}"
        yield hook


@dataclass
class Mailbox:
    """A mail server's end: what arrived, and who logged in."""

    port: int = 0
    refuses: bool = False
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        if self.refuses:
            return "451 come back later"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    def log_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:  # noqa: ARG002
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"the password", handled=False)


@contextmanager
def mail_receiver(*, starttls: bool = False, login: bool = False, refuses: bool = False) -> Iterator[Mailbox]:
    mailbox, context = Mailbox(refuses=refuses), None
    if starttls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=starttls,
        auth_required=login,
        authenticator=mailbox.log_in if login else None,
    )
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()
