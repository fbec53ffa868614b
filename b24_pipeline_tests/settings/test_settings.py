"""Settings: from the environment or `.env`, secret, checked, and explained in one line each."""

import json
import os
from pathlib import Path

import pytest

from b24_pipeline import settings
from b24_pipeline.rules.models import ChangeRisk, Edition, IdMatchPolicy, PhonesPolicy, ResponsibleListPolicy
from b24_pipeline.settings import Settings, SettingsError, SettingsIncomplete, docs
from b24_pipeline.settings.dagster import GIVEN
from b24_pipeline_tests.settings.conftest import ENOUGH, WEBHOOK

PAGE = Path(__file__).parents[2] / "docs/settings.md"


@pytest.mark.usefixtures("given")
def test_two_settings_are_enough_and_the_defaults_are_those_of_the_rules() -> None:
    found = settings.load()

    assert found.database == Path("data/b24_pipeline.duckdb")
    assert found.callgear_api_url == "https://dataapi.callgear.com/v2.0"
    policy = found.policy
    assert (policy.edition, policy.last_name_prefix) == (Edition.CLOUD, "(bitrix24) ")
    assert (policy.phones, policy.on_id_match) == (PhonesPolicy.ALL, IdMatchPolicy.NOTHING)
    assert policy.responsible_list is ResponsibleListPolicy.REMOVE
    assert {risk: (limit.count, limit.share) for risk, limit in policy.limits.items()} == {
        ChangeRisk.REMOVAL: (3, 0.05),
        ChangeRisk.LINK_MOVE: (3, 0.05),
        ChangeRisk.EMAIL_LINK: (20, 0.25),
        ChangeRisk.ID_UPDATE: (20, 0.25),
        ChangeRisk.CREATE: (10, 0.10),
    }


@pytest.mark.usefixtures("given")
def test_variables_of_others_that_are_named_like_our_fields_are_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fields = [name for name, field in Settings.model_fields.items() if name.upper() != field.validation_alias]
    before = settings.load()
    for name in fields:
        monkeypatch.setenv(name.upper(), "somebody else's")
    (tmp_path / ".env").write_text("".join(f"{name.upper()}=somebody else's\n" for name in fields))

    assert "database" in fields
    assert settings.load() == before


def test_with_nothing_set_webhook_and_key_are_named_at_once_each_with_an_example() -> None:
    with pytest.raises(SettingsIncomplete) as missing:
        settings.load()

    webhook, key = str(missing.value).splitlines()
    assert webhook == f"BITRIX24_WEBHOOK_URL: is missing. Example: BITRIX24_WEBHOOK_URL={WEBHOOK}"
    assert key.startswith("CALLGEAR_ACCESS_TOKEN: is missing (or CALLGEAR_LOGIN and CALLGEAR_PASSWORD)")


def test_without_a_key_login_and_password_are_needed(given: pytest.MonkeyPatch) -> None:
    given.setenv("CALLGEAR_ACCESS_TOKEN", "")
    with pytest.raises(SettingsIncomplete, match=r"CALLGEAR_ACCESS_TOKEN: is missing \(or CALLGEAR_LOGIN and"):
        settings.load()
    given.setenv("CALLGEAR_LOGIN", "api@company.com")
    with pytest.raises(SettingsIncomplete, match="CALLGEAR_PASSWORD: is missing, but CALLGEAR_LOGIN is set"):
        settings.load()
    given.setenv("CALLGEAR_PASSWORD", "a long password")
    given.setenv("CALLGEAR_LOGIN", "")
    with pytest.raises(SettingsIncomplete, match="CALLGEAR_LOGIN: is missing, but CALLGEAR_PASSWORD is set"):
        settings.load()
    given.setenv("CALLGEAR_LOGIN", "api@company.com")
    assert settings.load().callgear_access_token is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BITRIX24_WEBHOOK_URL", "http://company.bitrix24.com/rest/1/secretsecret/", "must begin with https://"),
        ("BITRIX24_WEBHOOK_URL", "https://company.bitrix24.com/rest/secretsecret/", "is not the address of an inbound"),
        ("BITRIX24_WEBHOOK_URL", "secretsecret", "is not the address of an inbound webhook"),
        ("CALLGEAR_API_URL", "http://dataapi.callgear.com/v2.0", "must begin with https://"),
        (
            "BITRIX24_WEBHOOK_URL",
            "https://secretsecret@company.bitrix24.com/rest/1/abc/",
            "more than a host and a path",
        ),
        ("BITRIX24_WEBHOOK_URL", "https://company.bitrix24.com/rest/1/abc/?key=secretsecret", "leave out what is"),
        ("CALLGEAR_API_URL", "https://dataapi.callgear.com/v2.0#secretsecret", "more than a host and a path"),
        ("BITRIX24_EDITION", "self-hosted", "must be 'cloud' or 'on_premise'"),
        ("CALLGEAR_USER_ID", "secretsecret", "must be a whole number"),
        ("CALLGEAR_USER_ID", "0", "must be at least 1"),
        ("B24_PIPELINE_EXPORT", "secretsecret://bucket", "has an unknown protocol"),
        ("B24_PIPELINE_PUBLISH", "secretsecret://bucket", "has an unknown protocol"),
        ("B24_PIPELINE_EXCLUDE_USERS", "1,secretsecret", "must be whole numbers, separated by commas"),
        ("B24_PIPELINE_HTTP_TIMEOUT_SECONDS", "0", "must be more than 0"),
        ("B24_PIPELINE_LIMIT_CREATES_SHARE", "10", "must be at most 1"),
        ("B24_PIPELINE_RUN_MINUTES", "45", "must be at most 24"),
    ],
)
def test_a_bad_value_is_one_line_with_name_and_example_and_never_the_value(
    given: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    given.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        settings.load()

    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{name}: ")
    assert says in line
    assert f"Example: {name}=" in line
    assert "secretsecret" not in line
    assert not isinstance(refused.value, SettingsIncomplete)


@pytest.mark.parametrize("name", [name for name, _ in settings.named_fields()])
def test_bytes_that_are_no_utf_8_are_refused_in_every_setting(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv(name, os.fsdecode(b"secretsecret\xff"))

    with pytest.raises(SettingsError) as refused:
        settings.load()

    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{name}: is not text in UTF-8. Example: {name}=")


MISTYPED = [
    "company..bitrix24.com",
    ".bitrix24.com",
    "xn--0.bitrix24.com",
    "company\u200b.bitrix24.com",
    f"{'a' * 64}.bitrix24.com",
    "300.1.1.1",
]


@pytest.mark.parametrize("host", MISTYPED)
@pytest.mark.parametrize("name", ["BITRIX24_WEBHOOK_URL", "CALLGEAR_API_URL", "B24_PIPELINE_ALERT_WEBHOOK_URL"])
def test_a_host_that_cannot_be_looked_up_is_refused_and_the_secret_not_repeated(
    given: pytest.MonkeyPatch, name: str, host: str
) -> None:
    given.setenv(name, f"https://{host}/rest/1/secretsecret/")

    with pytest.raises(SettingsError) as refused:
        settings.load()

    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{name}: is not a valid URL. Example: {name}=https://")
    assert "secretsecret" not in line


@pytest.mark.parametrize("host", ["bürger.bitrix24.com", "xn--mnchen-3ya.de", "b24_test.local", "10.0.0.7", "portal."])
def test_whatever_host_can_be_looked_up_is_accepted(given: pytest.MonkeyPatch, host: str) -> None:
    given.setenv("BITRIX24_WEBHOOK_URL", f"https://{host}/rest/1/code/")
    assert settings.load().bitrix24_webhook_url.get_secret_value() == f"https://{host}/rest/1/code/"


def test_a_line_break_after_an_address_does_not_count(given: pytest.MonkeyPatch) -> None:
    given.setenv("CALLGEAR_API_URL", "https://dataapi.callgear.com/v2.0\n")
    assert settings.load().callgear_api_url == "https://dataapi.callgear.com/v2.0"


@pytest.mark.parametrize("host", ["127.0.0.1:8024", "localhost", "[::1]:80"])
def test_plain_http_is_accepted_for_this_machine(given: pytest.MonkeyPatch, host: str) -> None:
    given.setenv("BITRIX24_WEBHOOK_URL", f"http://{host}/rest/1/code")
    assert settings.load().bitrix24_webhook_url.get_secret_value() == f"http://{host}/rest/1/code/"


@pytest.mark.usefixtures("given")
def test_secrets_show_in_no_text_of_the_settings() -> None:
    found = settings.load()
    texts = f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"
    assert "abcdefgh12345678" not in texts
    assert "x9k2m4p6q8r0" not in texts


def test_every_example_is_a_value_that_is_accepted(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = [f"{name}={(field.examples or [''])[0]}" for name, field in settings.named_fields()]
    for name in ENOUGH:
        given.delenv(name)
    (tmp_path / ".env").write_text("\n".join(lines))

    found = settings.load()

    assert found.exclude_emails == ("*@partner.example", "test-*@*")
    assert (found.include_departments, found.exclude_users) == (frozenset({4, 17}), frozenset({1, 358}))
    assert found.last_name_prefix == "(bitrix24) "


def test_the_environment_wins_over_the_file(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("B24_PIPELINE_PHONES=first\nB24_PIPELINE_ON_ID_MATCH=refresh\n")
    given.setenv("B24_PIPELINE_PHONES", "all")

    found = settings.load()

    assert (found.phones, found.on_id_match) == (PhonesPolicy.ALL, IdMatchPolicy.REFRESH)


def test_the_given_environment_wins_also_where_dagster_has_put_the_file_over_it(given: pytest.MonkeyPatch) -> None:
    protected = settings.protect_given_environment({"B24_PIPELINE_PHONES": "all", "PATH": "/bin"})
    given.setenv(GIVEN, protected[GIVEN])
    given.setenv("B24_PIPELINE_PHONES", "first")
    given.setenv("B24_PIPELINE_ON_ID_MATCH", "refresh")

    found = settings.load()

    assert json.loads(protected[GIVEN]) == {"B24_PIPELINE_PHONES": "all"}
    assert protected["PATH"] == "/bin"
    assert (found.phones, found.on_id_match) == (PhonesPolicy.ALL, IdMatchPolicy.REFRESH)


def test_the_database_is_known_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.database_settings().database == Path("data/b24_pipeline.duckdb")
    monkeypatch.setenv("B24_PIPELINE_DATABASE", "mine.duckdb")
    assert settings.database_settings().database == Path("mine.duckdb")
    assert settings.database_settings("sandbox.duckdb").database == Path("sandbox.duckdb")


def test_the_page_of_settings_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == docs.page()
