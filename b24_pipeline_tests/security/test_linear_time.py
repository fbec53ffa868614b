"""Texts from outside are looked at in linear time: twice the text takes no more than about twice as long.

What is quadratic would take minutes for these texts, and what is exponential would never end.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pandas as pd
import pytest

from b24_pipeline.alerts.messages import defang, plain_name, without_personal_data
from b24_pipeline.bitrix24.exceptions import Bitrix24Error
from b24_pipeline.bitrix24.parsing import departments_of, text_of
from b24_pipeline.bitrix24.responses import read_response
from b24_pipeline.callgear import error_mapping
from b24_pipeline.callgear.responses import read_response as read_callgear_response
from b24_pipeline.http import Secrets, redact_personal_data
from b24_pipeline.http.proxies import covers
from b24_pipeline.rules import eligibility, normalization, phone_numbers, similar_emails
from b24_pipeline.rules.models import PhonesPolicy, Policy, Scope
from b24_pipeline.text import markdown, markdown_line
from b24_pipeline_tests.factories import user, users

pytestmark = pytest.mark.long

SIZE = 60_000
SECONDS = 2.0
"""Of this process alone; what is linear takes less than one."""

PIECES = [
    "a",
    "a.",
    "a-",
    "a@",
    "@",
    "@a",
    "1",
    "1,",
    "1 ",
    "(1",
    "(",
    "+(",
    ".",
    ",;",
    "#",
    "#1",
    "x1",
    "доб. 1,",
    "101,102;",
    "<",
    "<a",
    "<title>",
    "<!--",
    "<script ",
    "&#38;",
    "{",
    '{"',
    '{"a":',
    "[",
    "://",
    "http://",
    "mailto:",
    " ",
    " \u00a0",
    "\t\n",
    "\u200d",
    "ل\u200c",
    "\u0301",
    "\u0301\u0316",
    "e\u0301\u0316",
    "\u1100",
    "K\u212a",
    "xn--",
    "_",
    "a_",
    "\\u0061",
    "*",
    "::",
    "f:",
    "1.1.",
    "counts 1,",
    "user 1 ",
    "PHP Warning: ",
    "\U0001f642",
]
LAST = "!"
"""Ends each text, so that what looks for an end fails there and may try again from everywhere."""


def user_of(text: str) -> None:
    """Judge a user all of whose texts are this one."""
    everywhere = user(
        1, last_name=text, first_name=text, email=text, work_phone=text, personal_mobile=text, personal_phone=text
    )
    eligibility.evaluate_users(users(everywhere), policy=Policy(scope=Scope(exclude_emails=("*a*@*b*", "*1*.?*x"))))


def answer_of(text: str) -> None:
    """Read an answer of the portal that is this text, with some status."""
    for status in (200, 403, 503):
        for body in (text, f"Warning: {text}", json.dumps({"error": text, "error_description": text})):
            with suppress(Bitrix24Error):
                read_response("user.get", status, body.encode(), headers={"Content-Type": "text/html"})


def callgear_answer_of(text: str) -> None:
    """Read an error of the account all of whose texts are this one."""
    data = {"mnemonic": text, "field": text, "value": text, "params": {"ip": text, "limit_type": text}}
    for code, mnemonic in ((-32602, "error"), (-32003, "ip_not_whitelisted"), (-32029, text)):
        error = {"code": code, "message": text, "data": {**data, "mnemonic": mnemonic}}
        read_callgear_response("get.employees", request_id="1", status=200, body=json.dumps({"error": error}).encode())


def series(text: str) -> pd.Series:
    """A column of one text."""
    return pd.Series([text], dtype="str")


LOOKS: dict[str, Callable[[str], object]] = {
    "a user": user_of,
    "an answer of the portal": answer_of,
    "an answer of the account": callgear_answer_of,
    "names": lambda text: normalization.name_key(series(text)),
    "e-mails": lambda text: normalization.email_key(series(text)),
    "similar e-mails": lambda text: similar_emails.similarity_key(series(text)),
    "phones": lambda text: phone_numbers.phone_numbers([series(text)] * 3, policy=PhonesPolicy.ALL),
    "alerts": lambda text: defang(redact_personal_data(text)),
    "a reason in an alert": without_personal_data,
    "a name in an alert": plain_name,
    "texts of errors": error_mapping.redact,
    "Markdown": lambda text: (markdown(text), markdown_line(text)),
    "secrets": lambda text: Secrets.of(keys=["abcdefgh12345678"]).blank_body(text.encode(), status=500),
    "NO_PROXY": lambda text: covers(text, "portal.test", 443),
    "a field": lambda text: (text_of(text), departments_of(text)),
}


@pytest.mark.parametrize("look", LOOKS)
def test_no_text_from_outside_takes_more_than_linear_time(look: str) -> None:
    for piece in PIECES:
        text = piece * (SIZE // len(piece)) + LAST
        began = time.process_time()
        LOOKS[look](text)
        took = time.process_time() - began
        assert took < SECONDS, f"{took:.1f} s for {piece!r}"
