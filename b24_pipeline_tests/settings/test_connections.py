"""A folder of connections: a file for each pair, defaults for all, and one line for what is wrong in one of them."""

from pathlib import Path

import pytest

from b24_pipeline import settings
from b24_pipeline.settings import Connections, SettingsError
from b24_pipeline.settings.connections import FOLDER_VARIABLE
from b24_pipeline_tests.settings.conftest import ENOUGH, WEBHOOK

PAIR = "".join(f"{name}={value}\n" for name, value in ENOUGH.items())


def add(key: str, text: str = PAIR, *, folder: str = "connections") -> Path:
    """A connection's file."""
    path = Path(folder) / f"{key}.env"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def refusal(connection: str | None) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        settings.load(connection)
    return str(refused.value).splitlines()


def test_without_the_folder_there_is_one_connection(given: pytest.MonkeyPatch) -> None:
    given.setenv("B24_PIPELINE_PHONES", "first")
    assert settings.connections() is None
    assert settings.load().phones == "first"
    assert refusal("acme") == [
        "--connection: there is no folder connections with a file for each connection. Example: connections/acme.env"
    ]


def test_each_file_is_a_connection_with_a_database_of_its_own() -> None:
    add("acme")
    add("globex-2", PAIR.replace("company", "globex") + "B24_PIPELINE_DATABASE=globex.duckdb\n")

    folder = settings.connections()

    assert folder is not None
    assert folder.keys == ("acme", "globex-2")
    assert settings.load("acme").database == Path("data/connections/acme/b24_pipeline.duckdb")
    assert settings.load("acme").bitrix24_webhook_url.get_secret_value() == WEBHOOK
    assert settings.load("globex-2").database == Path("globex.duckdb")
    assert settings.load("globex-2").bitrix24_webhook_url.get_secret_value() == WEBHOOK.replace("company", "globex")


def test_the_folder_may_have_another_name_or_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    add("acme", folder="pairs")
    monkeypatch.setenv(FOLDER_VARIABLE, "pairs")
    assert settings.load("acme")

    add("acme")
    Path(".env").write_text(PAIR)
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert settings.connections() is None
    assert settings.load()


def test_the_own_file_wins_over_the_defaults_and_these_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("B24_PIPELINE_PHONES", "B24_PIPELINE_ON_ID_MATCH", "B24_PIPELINE_RESPONSIBLE_LIST"):
        monkeypatch.setenv(name, {"B24_PIPELINE_PHONES": "first"}.get(name, "off"))
    monkeypatch.setenv("B24_PIPELINE_ON_ID_MATCH", "refresh")
    Path(".env").write_text("B24_PIPELINE_KEEP_DAYS=99\n")
    add("_defaults", "B24_PIPELINE_ON_ID_MATCH=fill_phones\nB24_PIPELINE_RESPONSIBLE_LIST=mirror\n")
    add("acme", f"{PAIR}B24_PIPELINE_RESPONSIBLE_LIST=remove\n")

    found = settings.load("acme")

    assert (found.responsible_list, found.on_id_match, found.phones) == ("remove", "fill_phones", "first")
    assert found.keep_days == 99


def test_what_belongs_to_a_pair_is_refused_in_the_environment_once_for_all_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("B24_PIPELINE_DATABASE", "shared.duckdb")
    monkeypatch.setenv("callgear_access_token", "of-whom")
    Path(".env").write_text(f"BITRIX24_WEBHOOK_URL={WEBHOOK}\nCALLGEAR_USER_ID=\n")
    add("acme")
    add("globex")

    found, problems = settings.load_all(Connections(Path("connections")))

    assert found == {}
    moved = "belongs to one connection, and connections is there for several. Move it from the environment or .env into"
    assert problems == tuple(
        f"{name}: {moved} the file of its connection. Example: connections/acme.env"
        for name in ("B24_PIPELINE_DATABASE", "BITRIX24_WEBHOOK_URL", "CALLGEAR_ACCESS_TOKEN")
    )


def test_a_connection_without_a_pair_misses_its_own() -> None:
    add("empty", "# nothing yet\n")

    assert [line.partition(": is missing")[0] for line in refusal("empty")] == [
        "connections/empty.env: BITRIX24_WEBHOOK_URL",
        "connections/empty.env: CALLGEAR_ACCESS_TOKEN",
    ]


def test_a_secret_of_a_connection_may_lie_in_a_file_also_where_the_defaults_have_one(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-acme\n")
    add("_defaults", "CALLGEAR_ACCESS_TOKEN=of-all\n")
    add("acme", f"BITRIX24_WEBHOOK_URL={WEBHOOK}\nCALLGEAR_ACCESS_TOKEN_FILE={tmp_path}/token\n")
    add("lost", f"BITRIX24_WEBHOOK_URL={WEBHOOK}\nCALLGEAR_ACCESS_TOKEN_FILE=/run/secrets/nowhere\n")
    add("other", f"BITRIX24_WEBHOOK_URL={WEBHOOK}\n")

    tokens = [settings.load(key).callgear_access_token for key in ("acme", "other")]

    assert [token and token.get_secret_value() for token in tokens] == ["of-acme", "of-all"]
    assert refusal("lost")[0].startswith("connections/lost.env: CALLGEAR_ACCESS_TOKEN_FILE: /run/secrets/nowhere ")


BAD = [
    ("B24_PIPELINE_PHONES=some", "connections/acme.env: B24_PIPELINE_PHONES: "),
    ("B24_PIPELINE_PHONE=all", "connections/acme.env: B24_PIPELINE_PHONE: is not a setting. Did you mean "),
    ("B24_PIPELINE_PHONES", "connections/acme.env: line 3 cannot be read: it is not of the form NAME=value."),
    ("B24_PIPELINE_ALERT_EMAIL_TO=a@b.example", "connections/acme.env: B24_PIPELINE_ALERT_EMAIL_TO: concerns all "),
    ("B24_PIPELINE_KEEP_RUN_DAYS=7", "connections/acme.env: B24_PIPELINE_KEEP_RUN_DAYS: concerns all "),
]


@pytest.mark.parametrize(("line", "says"), BAD)
def test_a_bad_file_is_one_line_that_names_it_and_the_others_go_on(line: str, says: str) -> None:
    add("acme", f"{PAIR}{line}\n")
    add("globex")

    (text,) = refusal("acme")

    assert text.startswith(says)
    assert settings.load("globex")


def test_a_bad_default_is_named_with_its_file() -> None:
    add("_defaults", "B24_PIPELINE_PHONES=some\n")
    add("acme")
    assert refusal("acme")[0].startswith("connections/_defaults.env: B24_PIPELINE_PHONES: ")


def test_one_database_for_all_is_refused() -> None:
    add("_defaults", "B24_PIPELINE_DATABASE=one.duckdb\n")
    add("acme")
    (text,) = refusal("acme")
    assert text == (
        "connections/_defaults.env: B24_PIPELINE_DATABASE: each connection has a database of its own. "
        "Set it in the connection's own file."
    )


def test_a_file_whose_name_is_no_key_is_no_connection() -> None:
    add("acme")
    for name in ("Acme GmbH", "a" * 41):
        add(name)

    folder = settings.connections()

    assert folder is not None
    assert folder.keys == ("acme",)
    assert [line.partition(": is not the name of a connection")[0] for line in folder.misnamed()] == [
        "connections/Acme GmbH.env",
        f"connections/{'a' * 41}.env",
    ]


def test_a_file_that_is_a_link_to_nowhere_is_not_taken_for_an_empty_one() -> None:
    add("globex")
    Path("connections/acme.env").symlink_to("/run/secrets/nowhere")
    assert refusal("acme") == ["connections/acme.env: is a link that leads nowhere. Put the file where it leads."]


def test_a_choice_that_is_missing_or_wrong_lists_the_keys() -> None:
    add("acme")
    add("globex")
    assert refusal(None) == ["--connection: choose one of acme, globex. Example: --connection acme"]
    assert refusal("acmee") == ["--connection: acmee is not a connection. There are: acme, globex"]


def test_the_audit_of_a_removed_connection_can_still_be_read() -> None:
    file = add("acme")
    database = settings.database_settings(connection="acme").database
    database.parent.mkdir(parents=True)
    database.touch()
    file.unlink()

    assert settings.database_settings(connection="acme").database == database
    assert refusal("acme") == ["--connection: acme is not a connection. There are: none yet; add connections/acme.env"]


def test_the_receivers_of_alerts_are_those_of_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B24_PIPELINE_ALERT_WEBHOOK_URL", "https://hooks.example/all")
    add("acme")
    assert settings.load_alerting().alert_webhook_url

    add("_defaults", "B24_PIPELINE_ALERT_WEBHOOK_URL=https://hooks.example/team\n")

    receiver = settings.load_alerting().alert_webhook_url
    assert receiver
    assert receiver.get_secret_value() == "https://hooks.example/team"


def test_all_files_of_an_installed_package_go_into_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B24_PIPELINE_HOME", "elsewhere")
    add("acme")
    add("globex", f"{PAIR}B24_PIPELINE_HOME=globex\n")
    assert settings.load("acme").database == Path("elsewhere/connections/acme/b24_pipeline.duckdb")
    assert refusal("globex")[0].startswith("connections/globex.env: B24_PIPELINE_HOME: all connections have one folder")
