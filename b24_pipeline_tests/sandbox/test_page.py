import re

import httpx
import pytest

from b24_pipeline.sandbox import Sandbox, Server
from b24_pipeline_tests.sandbox.clients import Account, Portal

EVIL = "<script>alert('x')</script>"


@pytest.fixture
def page_url(server: Server) -> str:
    return server.page_url


def test_the_page_shows_both_directories_and_the_list(http: httpx.Client, page_url: str, sandbox: Sandbox) -> None:
    sandbox.portal.hire(NAME="Ирина", LAST_NAME="Лебедева", EMAIL="ira@x.test", WORK_PHONE="+7 495")
    sandbox.portal.hire(NAME="Guest", USER_TYPE="extranet")
    sandbox.portal.dismiss(2)
    sandbox.account.add_employee(last_name="Stranger", phone_numbers=["100"])
    sandbox.account.responsible["17"] = "Owner"
    sandbox.account.owners_with_deals.add("17")

    text = http.get(page_url).text

    for shown in ("Лебедева Ирина", "ira@x.test", "+7 495", "extranet", "dismissed", "Stranger", "Owner", "has deals"):
        assert shown in text


def test_every_text_is_inert(http: httpx.Client, page_url: str, sandbox: Sandbox) -> None:
    user_id = sandbox.portal.hire(NAME=EVIL, LAST_NAME='"><img src=x onerror=alert(1)>', EMAIL=EVIL, WORK_PHONE=EVIL)
    sandbox.account.add_employee(last_name=EVIL, email=EVIL, phone_numbers=[EVIL])
    sandbox.account.responsible[EVIL] = EVIL
    http.post(f"{page_url}rest/1/x/{EVIL}", json={})

    for path in ("", "directories", f"?edit={user_id}"):
        text = http.get(page_url + path).text
        assert "&lt;script&gt;" in text
        assert "<img" not in text
        assert len(re.findall("<script", text)) == (0 if path == "directories" else 1), "the page's own alone"


def test_the_browser_is_told_to_run_and_load_nothing_else(http: httpx.Client, page_url: str) -> None:
    first, second = (http.get(page_url) for _ in range(2))

    policy = first.headers["content-security-policy"]
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert "default-src 'none'" in policy
    assert f'<script nonce="{nonce}">' in first.text
    assert nonce not in second.text
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", first.text)


def test_no_secret_is_on_the_page(http: httpx.Client, server: Server, account: Account, portal: Portal) -> None:
    account.raw("get.employees")
    portal.raw("user.get")

    text = http.get(server.page_url).text

    assert "get.employees" in text
    for secret in (server.access_token, server.password, "sandboxsecret16", "/rest/"):
        assert secret not in text


def test_somebody_is_hired_edited_dismissed_and_reinstated(
    http: httpx.Client, page_url: str, sandbox: Sandbox, portal: Portal
) -> None:
    fields = {"NAME": "Юна", "LAST_NAME": "Новая", "EMAIL": "yuna@x.test", "WORK_PHONE": ""}

    answer = http.post(page_url + "people/hire", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert sandbox.portal.users[1]["LAST_NAME"] == "Новая"
    assert "WORK_PHONE" not in sandbox.portal.users[1]

    assert 'value="yuna@x.test"' in http.get(page_url, params={"edit": "1"}).text
    http.post(page_url + "people/1/edit", data={**fields, "LAST_NAME": "Другая", "EMAIL": ""})
    assert portal.json("user.get")["result"][0]["EMAIL"] == ""
    assert sandbox.portal.users[1]["LAST_NAME"] == "Другая"

    http.post(page_url + "people/1/dismiss")
    assert sandbox.portal.users[1]["ACTIVE"] is False
    http.post(page_url + "people/1/reinstate")
    assert sandbox.portal.users[1]["ACTIVE"] is True


def test_a_form_cannot_set_what_it_does_not_show(http: httpx.Client, page_url: str, sandbox: Sandbox) -> None:
    http.post(page_url + "people/hire", data={"LAST_NAME": "A", "USER_TYPE": "bot", "ID": "77", "NO_SUCH": "x"})

    assert sandbox.portal.users[1]["USER_TYPE"] == "employee"
    assert "NO_SUCH" not in sandbox.portal.users[1]


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.test"},
    ],
)
def test_another_site_cannot_change_people(
    http: httpx.Client, page_url: str, sandbox: Sandbox, foreign: dict[str, str]
) -> None:
    answer = http.post(page_url + "people/hire", data={"LAST_NAME": "A"}, headers=foreign)

    assert (answer.status_code, sandbox.portal.users) == (403, {})


def test_the_page_itself_changes_people(http: httpx.Client, page_url: str) -> None:
    own = {"Origin": page_url.rstrip("/"), "Sec-Fetch-Site": "same-origin"}

    answer = http.post(page_url + "people/hire", data={"LAST_NAME": "A"}, headers=own)

    assert answer.status_code == 303


@pytest.mark.parametrize("path", ["", "directories"])
def test_nobody_is_read_under_another_host_name_that_points_here(http: httpx.Client, page_url: str, path: str) -> None:
    assert http.get(page_url + path, headers={"Host": "evil.test"}).status_code == 403


def test_an_unknown_user_is_not_found(http: httpx.Client, page_url: str) -> None:
    assert http.post(page_url + "people/5/dismiss").status_code == 404
    assert http.post(page_url + "people/5/edit", data={"NAME": "A"}).status_code == 404
    assert "Hire somebody" in http.get(page_url, params={"edit": "5"}).text
    assert "Hire somebody" in http.get(page_url, params={"edit": "x"}).text


def test_the_lists_can_be_fetched_alone_so_that_the_form_stays(http: httpx.Client, page_url: str) -> None:
    text = http.get(page_url + "directories").text

    assert "<form" not in text
    assert "Responsible list" in text


def test_a_crowd_is_cut_short_on_the_page(http: httpx.Client, page_url: str, sandbox: Sandbox) -> None:
    for number in range(520):
        sandbox.portal.hire(NAME=f"N{number}")

    text = http.get(page_url).text

    assert "20 more are not shown." in text
    assert "520 users" in text
