"""Our own secrets are blanked in what a service says, in every spelling, and data stays as it is."""

import json
from typing import Any

import httpx
import pytest

from b24_pipeline.http import Secrets
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.harness import World

KEY = "abcdefgh12345678"
PASSWORD = 'пароль "a/b" & c%'
SECRETS = Secrets.of(keys=[KEY, None, "/services/T000/B000/xyz?sig=a+b"], passwords=[PASSWORD])


@pytest.mark.parametrize(
    "body",
    [
        f"<title>{KEY}</title>",
        f"<p>{PASSWORD}</p>",
        "<p>пароль &quot;a/b&quot; &amp; c%</p>",
        json.dumps({"error": f"x{PASSWORD}x"}),
        json.dumps({"error": f"x{PASSWORD}x"}, ensure_ascii=False).replace("/", r"\/"),
        json.dumps({"error": KEY}).replace("a", r"\u0061"),
        json.dumps({"error": "/services/T000/B000/xyz?sig=a+b"}).replace("/", r"\/"),
        "https%3A%2F%2Fhook%2Fservices%2FT000%2FB000%2Fxyz%3Fsig%3Da%2Bb",
        "https%3a%2f%2fhook%2fservices%2fT000%2fB000%2fxyz%3fsig%3da%2bb",
    ],
)
def test_a_secret_is_blanked_in_every_spelling(body: str) -> None:
    blanked = SECRETS.blank_body(body.encode(), status=400).decode()

    assert "***" in blanked
    assert not any(part in blanked for part in (KEY, "пароль", "парол", "xyz"))


def test_an_error_stays_json_and_its_other_texts_as_they_are() -> None:
    told = {"error": "ERROR", "said": f'{KEY} "quoted" é 🙂', "url": "a/b"}

    blanked = json.loads(SECRETS.blank_body(json.dumps(told).encode(), status=400))

    assert blanked == {**told, "said": '*** "quoted" é 🙂'}


def test_a_password_is_not_looked_for_in_data_where_it_may_be_a_name() -> None:
    secrets = Secrets.of(keys=[KEY, "anna"], passwords=["company.com"])
    body = json.dumps({"result": [{"NAME": "anna", "EMAIL": "anna@company.com", "LAST_NAME": KEY}]}).encode()

    assert json.loads(secrets.blank_body(body, status=200)) == {
        "result": [{"NAME": "anna", "EMAIL": "anna@company.com", "LAST_NAME": "***"}]
    }
    assert b"anna" not in secrets.blank_body(body, status=500)


def test_headers_are_blanked_and_the_way_to_a_renamed_portal_is_kept() -> None:
    location = f"https://new.bitrix24.com/rest/1/{KEY}/profile"
    headers = httpx.Headers([("Location", location), ("WWW-Authenticate", f"Basic realm={KEY}"), ("X", "x")])

    blanked = SECRETS.blank_headers(headers)

    assert (blanked["Location"], blanked["WWW-Authenticate"], blanked["X"]) == (location, "Basic realm=***", "x")
    told = SECRETS.blank_headers(httpx.Headers({"Location": f"https://{KEY.upper()}.evil.test/{KEY}"}))
    assert told["Location"] == f"https://***.evil.test/{KEY}"


def test_secrets_are_not_shown_by_what_holds_them() -> None:
    assert KEY not in repr(SECRETS)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", [FaultKind.ECHOED_ERROR, FaultKind.ECHOED_PAGE], ids=lambda kind: kind.name)
@pytest.mark.parametrize("api", ["bitrix24", "callgear"])
def test_the_terminal_shows_no_secret_that_a_service_echoes(
    portal: World, terminal: Terminal, kind: FaultKind, api: str
) -> None:
    portal.set(CALLGEAR_PASSWORD=portal.server.password, B24_PIPELINE_RUN_MINUTES="0.02")
    portal.sandbox.faults.add(Fault(kind, api, times=None))

    said = [terminal(*command) for command in (("check",), ("sync", "--json"), ("history",))]

    texts = "".join(f"{one.out}{one.err}" for one in said)
    assert not any(secret in texts for secret in (SECRET, portal.server.access_token, portal.server.password))


def test_a_person_named_like_a_secret_tells_nobody_of_it(world: World) -> None:
    names: dict[str, Any] = {"NAME": SECRET, "EMAIL": "ira@x.test", "SECOND_NAME": world.server.access_token}
    world.hire("Lebedeva", **names)

    world.import_people()

    kept = b"".join(path.read_bytes() for path in world.paths.published.parent.glob("*.duckdb"))
    assert SECRET.encode() not in kept
    assert [row["first_name"] for row in world.account.employees.values()] == ["***"]
