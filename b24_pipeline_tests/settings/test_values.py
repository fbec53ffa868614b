"""What is around a value and does not belong to it goes, or is refused; what would do nothing is refused."""

import pytest

from b24_pipeline import settings
from b24_pipeline.settings import SettingsError, SettingsIncomplete
from b24_pipeline_tests.settings.conftest import ENOUGH, WEBHOOK

QUOTES = "has kept quotes as part of its value"


def refused_line() -> str:
    """The only line of what is refused."""
    with pytest.raises(SettingsError) as refused:
        settings.load()
    (line,) = str(refused.value).splitlines()
    assert "secretsecret" not in line
    return line


@pytest.mark.parametrize("around", [" {} ", "{}\r", "\t{}\r\n", "\ufeff{}", "{}\u200b", "\u00a0{}\u00a0"])
def test_blanks_and_line_ends_around_a_value_do_not_count(monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    more = {"B24_PIPELINE_PHONES": "first", "B24_PIPELINE_EXCLUDE_USERS": "1,2", "CALLGEAR_LOGIN": "api@company.com"}
    for name, value in (ENOUGH | more).items():
        monkeypatch.setenv(name, around.format(value))

    found = settings.load()

    assert found.bitrix24_webhook_url.get_secret_value() == WEBHOOK
    assert found.callgear_access_token is not None
    assert found.callgear_access_token.get_secret_value() == ENOUGH["CALLGEAR_ACCESS_TOKEN"]
    assert (found.phones, found.exclude_users, found.callgear_login) == ("first", {1, 2}, "api@company.com")


def test_blanks_of_a_prefix_and_of_a_password_count_but_line_ends_do_not(given: pytest.MonkeyPatch) -> None:
    given.setenv("B24_PIPELINE_LAST_NAME_PREFIX", "(b24) \r")
    given.setenv("CALLGEAR_PASSWORD", ' pass"word" \r\n')

    found = settings.load()

    assert found.last_name_prefix == "(b24) "
    assert found.callgear_password is not None
    assert found.callgear_password.get_secret_value() == ' pass"word" '


@pytest.mark.parametrize("name", ["CALLGEAR_ACCESS_TOKEN", "BITRIX24_WEBHOOK_URL"])
def test_nothing_but_blanks_is_missing(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv(name, " \r")
    with pytest.raises(SettingsIncomplete, match=f"{name}: is missing"):
        settings.load()


@pytest.mark.parametrize("around", ['"{}"', "'{}'", "“{}”", "«{}»", ' "{}"\r', '{}"', "'{}"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BITRIX24_WEBHOOK_URL", WEBHOOK),
        ("BITRIX24_EDITION", "cloud"),
        ("CALLGEAR_ACCESS_TOKEN", "secretsecret"),
        ("B24_PIPELINE_EXCLUDE_USERS", "1,2"),
        ("B24_PIPELINE_EXCLUDE_EMAILS", "*@company.com"),
        ("B24_PIPELINE_DATABASE", "b24.duckdb"),
        ("B24_PIPELINE_ALERT_EMAIL_TO", "team@company.com"),
    ],
)
def test_quotes_that_stayed_part_of_a_value_are_refused(
    given: pytest.MonkeyPatch, name: str, value: str, around: str
) -> None:
    given.setenv(name, around.format(value))
    assert refused_line().startswith(f"{name}: {QUOTES}")


@pytest.mark.parametrize("name", ["B24_PIPELINE_LAST_NAME_PREFIX", "CALLGEAR_PASSWORD"])
def test_a_prefix_and_a_password_may_end_in_a_quote_but_not_be_in_quotes(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv(name, 'b24" ')
    assert settings.load()

    given.setenv(name, '"(bitrix24) "')
    assert refused_line().startswith(f"{name}: {QUOTES}")


def test_a_control_character_within_a_value_is_refused(given: pytest.MonkeyPatch) -> None:
    given.setenv("CALLGEAR_ACCESS_TOKEN", "secret\rsecret")
    assert refused_line().startswith("CALLGEAR_ACCESS_TOKEN: contains a control character")


@pytest.mark.parametrize(
    "pattern",
    ["partner.example", "@partner.example", "ivan@", "a b@partner.example", "*@a,b@c@d", "[@]partner.example"],
)
def test_r03_a_pattern_that_no_address_can_match_is_refused(given: pytest.MonkeyPatch, pattern: str) -> None:
    given.setenv("B24_PIPELINE_EXCLUDE_EMAILS", pattern)
    assert refused_line().startswith("B24_PIPELINE_EXCLUDE_EMAILS: has a pattern that matches no address")


@pytest.mark.parametrize(
    "name",
    ["~/b24.duckdb", "~b24/b24.duckdb", ":memory:", ":memory:b24", "md:", "md:b24", "s3://b24/b24.duckdb", "$HOME/b24"],
)
def test_what_is_no_file_of_this_machine_is_no_database(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv("B24_PIPELINE_DATABASE", name)
    assert refused_line().startswith("B24_PIPELINE_DATABASE: must name a local file")


@pytest.mark.parametrize("name", ["b24.duckdb", "/var/lib/b24/b24.duckdb", "data/~b24.duckdb", "./md", "C:/b24.duckdb"])
def test_a_file_of_this_machine_is_a_database(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv("B24_PIPELINE_DATABASE", name)
    assert str(settings.load().database) == name.removeprefix("./")
