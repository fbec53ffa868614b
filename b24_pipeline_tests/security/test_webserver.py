"""The Dagster UI obeys its own pages and programs of this machine, and no other web page; it needs no secret."""

import json
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from b24_pipeline.sandbox import Bitrix24Behavior, CallGearBehavior, Sandbox, Server, serve
from b24_pipeline_tests.processes import RUN_SECONDS, wait_for
from b24_pipeline_tests.scenarios import PLENTY
from b24_pipeline_tests.security.nginx import NGINX, nginx
from b24_pipeline_tests.security.webserver import LAUNCH, Webserver, running, webserver

pytestmark = pytest.mark.long

SOME_MUTATION = "mutation { setNuxSeen }"
BY_GET = f"GET /graphql?query={quote(SOME_MUTATION)}"
JSON_BODY = json.dumps({"query": SOME_MUTATION})
AS_JSON = "Content-Type: application/json"
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: graphql-ws",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webserver")


@pytest.fixture(scope="module")
def ui(folder: Path) -> Iterator[Webserver]:
    with webserver(folder, "--allowed-host", "Dagster.example.com") as started:
        yield started


@pytest.fixture(params=["127.0.0.1", "localhost", "[::1]"])
def host(ui: Webserver, request: pytest.FixtureRequest) -> str:
    return f"{request.param}:{ui.port}"


def test_its_own_pages_are_served(ui: Webserver, host: str) -> None:
    own = (f"Host: {host}", f"Origin: http://{host}", "Sec-Fetch-Site: same-origin")
    assert ui.status("GET /", f"Host: {host}", "Sec-Fetch-Site: none") == 200
    assert ui.status("POST /graphql", *own, AS_JSON, body=JSON_BODY) == 200
    assert ui.status("GET /graphql", *own, *UPGRADE) == 101


@pytest.mark.parametrize("origin", ["https://dagster.example.com", "http://dagster.example.com:8080"])
def test_a_proxy_before_it_has_the_name_that_is_allowed(ui: Webserver, origin: str) -> None:
    own = (f"Host: {origin.partition('://')[2]}", f"Origin: {origin}", "Sec-Fetch-Site: same-origin")
    assert ui.status("POST /graphql", *own, AS_JSON, body=JSON_BODY) == 200
    assert ui.status("GET /graphql", *own, *UPGRADE) == 101


@pytest.mark.skipif(NGINX is None, reason="no nginx here: apt-get install nginx")
def test_the_proxy_asks_for_a_password_and_passes_everything_on(ui: Webserver, tmp_path: Path) -> None:
    with nginx(tmp_path, webserver_port=ui.port) as port:
        proxy = Webserver(port, tls=ssl._create_unverified_context())
        host = f"dagster.example.com:{port}"
        own = (f"Host: {host}", f"Origin: https://{host}", "Sec-Fetch-Site: same-origin")
        password = f"Authorization: Basic {b64encode(b'anna:secret').decode()}"

        assert proxy.status("GET /server_info", *own) == 401
        assert proxy.status("GET /graphql", *own, *UPGRADE) == 401
        assert proxy.status("GET /server_info", *own, password) == 200
        assert proxy.status("POST /graphql", *own, password, AS_JSON, body=JSON_BODY) == 200
        assert proxy.status("GET /graphql", *own, password, *UPGRADE) == 101
        assert proxy.status("GET /graphql", own[0], "Origin: https://evil.example", password, *UPGRADE) == 403
        assert proxy.status("POST /graphql", own[0], "Origin: null", password, AS_JSON, body=JSON_BODY) == 403


def test_a_program_of_this_machine_sends_no_origin(ui: Webserver) -> None:
    assert ui.status("POST /graphql", f"Host: {ui.host}", AS_JSON + "; charset=utf-8", body=JSON_BODY) == 200
    assert ui.status(f"GET /graphql?query={quote('{ version }')}", f"Host: {ui.host}") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost",
        "localhost:1",
        "0.0.0.0:{port}",
        "127.0.0.1.evil.example:{port}",
    ],
)
def test_a_host_name_that_is_not_ours_is_refused(ui: Webserver, host: str) -> None:
    headers = (f"Host: {host.format(port=ui.port)}",)
    assert ui.status("GET /", *headers) == 403
    assert ui.status("GET /server_info", *headers) == 403
    assert ui.status("POST /graphql", *headers, AS_JSON, body=JSON_BODY) == 403
    assert ui.status("GET /graphql", *headers, *UPGRADE) == 403


def test_a_second_host_name_is_refused(ui: Webserver) -> None:
    assert ui.status("GET /server_info", f"Host: {ui.host}", "Host: evil.example") in (400, 403)


@pytest.mark.parametrize(
    "foreign",
    [
        "Origin: null",
        "Origin: https://evil.example",
        "Origin: http://localhost:8024",
        "Origin: http://{host}.evil.example",
        "Origin: file://{host}",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
def test_another_web_page_is_refused(ui: Webserver, foreign: str) -> None:
    headers = (f"Host: {ui.host}", foreign.format(host=ui.host))
    assert ui.status("POST /graphql", *headers, AS_JSON, body=JSON_BODY) == 403
    assert ui.status("POST /report_asset_materialization/employees", *headers, AS_JSON, body="{}") == 403
    assert ui.status(f"GET /graphql?query={quote('{ version }')}", *headers) == 403
    assert ui.status("GET /graphql", *headers, *UPGRADE) == 403


@pytest.mark.parametrize("by_get", [BY_GET, BY_GET.replace("mutation", "%6dutation"), f"{BY_GET}&query=%7Bversion%7D"])
def test_no_mutation_by_get(ui: Webserver, by_get: str) -> None:
    navigation = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert ui.status(by_get, f"Host: {ui.host}") == 403
    assert ui.status(by_get, f"Host: {ui.host}", *navigation) == 403


@pytest.mark.parametrize(
    "content_type",
    [
        "Content-Type: text/plain",
        "Content-Type: text/plain; application/json",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data; boundary=application/json",
        "Content-Type: application/graphql",
        "X-None: 1",
    ],
)
def test_what_is_posted_is_json_and_no_form(ui: Webserver, content_type: str) -> None:
    request = BY_GET.replace("GET", "POST")
    assert ui.status(request, f"Host: {ui.host}", content_type, body=JSON_BODY) == 403
    assert (
        ui.status("POST /report_asset_check/employees?check_name=x&passed=true", f"Host: {ui.host}", content_type)
        == 403
    )


def test_a_link_on_another_page_opens_the_ui_but_no_frame_does(ui: Webserver) -> None:
    from_elsewhere = (f"Host: {ui.host}", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    assert ui.status("GET /assets/employees", *from_elsewhere, "Sec-Fetch-Dest: document") == 200
    assert ui.status("GET /assets/employees", *from_elsewhere, "Sec-Fetch-Dest: iframe") == 403


def test_the_answer_says_what_to_do(ui: Webserver) -> None:
    response = httpx.get(f"http://{ui.host}/", headers={"Host": "dagster.internal"})
    assert "--allowed-host" in response.text


def test_the_webserver_needs_no_secret_and_the_daemon_executes_what_it_launches(ui: Webserver, folder: Path) -> None:
    sandbox = Sandbox(bitrix24=Bitrix24Behavior(tariff=None), callgear=CallGearBehavior(**PLENTY))
    sandbox.portal.hire(NAME="Ada", LAST_NAME="Lovelace", EMAIL="ada@corp.example")

    launched = {"runId": ui.graphql(LAUNCH, Origin=f"http://{ui.host}")["launchRun"]["run"]["runId"]}
    with serve(sandbox) as server, running(folder, "daemon", settings=settings_of(server)):
        wait_for("the run", lambda: launched | {"status": "SUCCESS"} in ui.runs(), seconds=RUN_SECONDS)

    assert [employee["last_name"] for employee in sandbox.account.employees.values()] == ["(bitrix24) Lovelace"]


def settings_of(server: Server) -> dict[str, str]:
    return {
        "BITRIX24_WEBHOOK_URL": server.webhook_url,
        "CALLGEAR_API_URL": server.callgear_url,
        "CALLGEAR_ACCESS_TOKEN": server.access_token,
    }
