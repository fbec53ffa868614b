"""What somebody wrote as a setting and nothing would read is refused, with the name that was meant."""

from collections.abc import Callable
from pathlib import Path

import pytest

from b24_pipeline import settings
from b24_pipeline.settings import SettingsError
from b24_pipeline.settings.dagster import AUTOMATION, GIVEN
from b24_pipeline.settings.unread import distance


def refusal(load: Callable[[], object] = settings.load) -> list[str]:
    """The lines of what is refused."""
    with pytest.raises(SettingsError) as refused:
        load()
    return str(refused.value).splitlines()


MISTYPED_PREFIXES = ("B24_PIPLINE_PHONES", "B24PIPELINE_PHONES", "B24-PIPELINE-PHONE", "\u041224_PIPELINE_PHONES")
MISTYPED = [
    ("B24_PIPELINE_PHONE", "B24_PIPELINE_PHONES"),
    ("B24_PIPELINE_DATABSE", "B24_PIPELINE_DATABASE"),
    ("b24_pipeline_exclude_mails", "B24_PIPELINE_EXCLUDE_EMAILS"),
    ("B24_PIPELINE_EXCLUDE_DEPARTMENT", "B24_PIPELINE_EXCLUDE_DEPARTMENTS"),
    ("BITRIX24_WEBHOK_URL", "BITRIX24_WEBHOOK_URL"),
    ("BITRIX24_WEBHOOK_ULR", "BITRIX24_WEBHOOK_URL"),
    ("BITRIX24_WEBHOOKURL", "BITRIX24_WEBHOOK_URL"),
    ("CALLGEAR_ACESS_TOKEN", "CALLGEAR_ACCESS_TOKEN"),
    ("CALLGEAR_LOGNI", "CALLGEAR_LOGIN"),
    ("CALLGEAR_PASSWRD", "CALLGEAR_PASSWORD"),
]


@pytest.mark.parametrize(("name", "meant"), MISTYPED)
def test_a_mistyped_name_is_refused_in_the_environment_with_the_nearest_one(
    given: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    given.setenv(name, "secretsecret")

    assert refusal() == [f"{name.upper()}: is not a setting. Did you mean {meant}?"]
    assert refusal(settings.load_alerting) == refusal(settings.database_settings) == refusal(settings.dagster_home)


@pytest.mark.parametrize("name", ["CALLGEAR_LOGIN", "B24_PIPELINE_KEEP_DAYS"])
def test_only_a_secret_is_read_from_a_file(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv(f"{name}_FILE", "/run/secrets/it")
    assert refusal() == [f"{name}_FILE: is not a setting; a file may only hold a secret. Set {name} itself."]


@pytest.mark.parametrize("named", ["conections", "pyproject.toml"])
def test_a_folder_of_connections_that_is_none_is_refused(given: pytest.MonkeyPatch, named: str) -> None:
    Path("pyproject.toml").touch()
    given.setenv("B24_PIPELINE_CONNECTIONS", named)

    assert refusal() == [
        f"B24_PIPELINE_CONNECTIONS: {named} is not a folder. Example: B24_PIPELINE_CONNECTIONS=connections"
    ]
    assert refusal(settings.database_settings) == refusal()


@pytest.mark.parametrize(("name", "meant"), [*MISTYPED, *((name, "B24_PIPELINE_PHONES") for name in MISTYPED_PREFIXES)])
@pytest.mark.usefixtures("given")
def test_a_mistyped_name_is_refused_in_the_file_too(name: str, meant: str) -> None:
    Path(".env").write_text(f"export {name}=secretsecret\n", encoding="utf-8")
    assert refusal() == [f"{name.upper()}: is not a setting. Did you mean {meant}?"]


@pytest.mark.parametrize(
    "name", ['"B24_PIPELINE_PHONES"', "$env:B24_PIPELINE_PHONES", "\u200bB24_PIPELINE_PHONES", "B24-PIPELINE-PHONES"]
)
@pytest.mark.usefixtures("given")
def test_what_is_around_a_name_is_said(name: str) -> None:
    Path(".env").write_text(f"{name}=first\n", encoding="utf-8")
    (line,) = refusal()
    assert line.startswith("B24_PIPELINE_PHONES: the name has something around it.")


@pytest.mark.parametrize(
    "name",
    ["BITRIX24_CLIENT_ID", "BITRIX24_DOMAIN", "CALLGEAR_API_KEY", "CALLGEAR_WEBHOOK_URL", "B24_CLIENT_ID", "PATH"],
)
def test_what_may_belong_to_other_software_is_left_alone(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv(name, "theirs")
    Path(".env").write_text(f"{name}=theirs\n")
    assert settings.load()


@pytest.mark.parametrize("name", [GIVEN, AUTOMATION, "B24_PIPELINE_WHOLE_MATRIX"])
def test_what_our_own_programs_give_to_each_other_is_no_mistake(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv(name, "{}")
    assert settings.load()


def test_what_kubernetes_adds_for_a_service_is_no_mistake(given: pytest.MonkeyPatch) -> None:
    given.setenv("B24_PIPELINE_SERVICE_PORT_HTTP", "3000")
    given.setenv("B24_PIPELINE_PORT_3000_TCP_ADDR", "10.0.0.1")
    assert len(refusal()) == 2

    given.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert settings.load()


NO_QUOTE = "a quote is not closed, or something follows it."
NO_FORM = "it is not of the form NAME=value."


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('A=1\nBITRIX24_WEBHOOK_URL="secretsecret\n', 2, NO_QUOTE),
        ("\n\nCALLGEAR_ACCESS_TOKEN='secretsecret\nB24_PIPELINE_PHONES=first\n", 3, NO_QUOTE),
        ('CALLGEAR_ACCESS_TOKEN="secretsecret" secretsecret\n', 1, NO_QUOTE),
        ('CALLGEAR_PASSWORD="secret\nsecret"\n', 1, "its quote is closed on a later line."),
        ("A=1\nsecretsecret\n", 2, NO_FORM),
        ("export secretsecret\n", 1, NO_FORM),
        ("A=1\n# a comment\n\n  CALLGEAR_ACCESS_TOKEN secretsecret\n", 4, NO_FORM),
        ("=secretsecret\n", 1, NO_FORM),
    ],
)
@pytest.mark.usefixtures("given")
def test_a_line_of_the_file_that_cannot_be_read_is_named_by_its_number(text: str, line: int, says: str) -> None:
    Path(".env").write_text(text)

    assert refusal()[0] == f".env: line {line} cannot be read: {says}"
    assert "secretsecret" not in "".join(refusal())


@pytest.mark.usefixtures("given")
def test_a_file_as_people_write_it_is_read() -> None:
    Path(".env").write_text(
        "\ufeff# ours\r\n\r\nexport B24_PIPELINE_PHONES = 'first' # why\r\nB24_PIPELINE_CA_BUNDLE=\r\n"
        'OTHERS_KEY="-----BEGIN\nKEY-----"\nB24_PIPELINE_LAST_NAME_PREFIX="b24 "\n'
    )
    assert (settings.load().phones, settings.load().last_name_prefix) == ("first", "b24 ")


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [("", "", 0), ("ab", "ba", 1), ("abc", "", 3), ("kitten", "sitting", 3), ("abcd", "acbd", 1), ("a", "xa", 1)],
)
def test_the_distance_of_two_names(one: str, other: str, letters: int) -> None:
    assert distance(one, other) == distance(other, one) == letters
