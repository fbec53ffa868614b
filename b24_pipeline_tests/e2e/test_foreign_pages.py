"""A page of somebody else's in the same browser: it cannot launch anything, and the UI beside it goes on working."""

import json
from collections.abc import Iterator
from string import Template
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from b24_pipeline_tests.e2e import desk as running
from b24_pipeline_tests.e2e import ui_actions
from b24_pipeline_tests.e2e.desk import Desk
from b24_pipeline_tests.http_server import PostHandler, serving
from b24_pipeline_tests.security.webserver import LAUNCH

pytestmark = ui_actions.MARKS
EVERY_WAY = Template("""<!doctype html><title>trying</title>
<img src="$ui/graphql?query=$query">
<iframe name="one"></iframe><iframe name="two"></iframe><iframe src="$ui/"></iframe>
<form action="$ui/graphql?query=$query" method="post" enctype="text/plain" target="one"><input name="a"></form>
<form action="$sandbox/people/hire" method="post" target="two"><input name="LAST_NAME" value="Bogus"></form>
<script>
const body = JSON.stringify({query: $mutation});
const send = (type, mode) => fetch("$ui/graphql", {method: "POST", mode, body, headers: {"Content-Type": type}});
const socket = new Promise(ended => {
    const opened = new WebSocket("$ui/graphql".replace("http", "ws"), "graphql-ws");
    opened.onopen = () => ended("opened");
    opened.onerror = () => ended("refused");
});
(async () => {
    for (const form of document.forms) form.submit();
    navigator.sendBeacon("$ui/graphql?query=$query");
    await Promise.allSettled([
        send("text/plain", "no-cors"), send("text/plain; application/json", "no-cors"),
        send("application/json", "cors"), fetch("$ui/graphql?query=$query", {mode: "no-cors"})
    ]);
    document.title = "socket " + await socket;
})();
</script>""")


@pytest.fixture
def foreign(desk: Desk) -> Iterator[str]:
    """Another site, with a page that tries everything; its name points to this machine, as with DNS rebinding."""
    text = EVERY_WAY.substitute(
        ui=desk.ui, sandbox=desk.sandbox_page.rstrip("/"), query=quote(LAUNCH), mutation=json.dumps(LAUNCH)
    )

    class Site(PostHandler):
        def do_GET(self) -> None:  # noqa: N802 - as the server calls it
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(text.encode())

        def answer(self, body: bytes) -> None:
            raise AssertionError(body)

    with serving(Site) as address:
        yield address.replace("127.0.0.1", "evil.example")


@pytest.fixture
def page(desk: Desk) -> Iterator[Page]:  # noqa: ARG001 - the desk is up first
    with ui_actions.browser("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
        yield browser.new_page()


def test_a_foreign_page_launches_nothing_in_any_way(desk: Desk, page: Page, foreign: str) -> None:
    seen: dict[str, int] = {}
    page.on("response", lambda answer: seen.update({f"{answer.request.method} {answer.url[:40]}": answer.status}))

    page.goto(foreign)
    running.wait_for("the end of it", lambda: page.title().startswith("socket"), seconds=60)
    page.wait_for_load_state("networkidle")

    assert page.title() == "socket refused"
    assert desk.runs() == []
    assert "Bogus" not in desk.in_callgear()
    assert {status for url, status in seen.items() if foreign not in url} == {403}, seen


def test_a_foreign_name_that_points_here_shows_nothing(desk: Desk, page: Page) -> None:
    for address in (desk.ui, desk.sandbox_page):
        answer = page.goto(address.replace("127.0.0.1", "evil.example"))
        assert answer is not None
        assert answer.status == 403


def test_the_ui_itself_launches_by_its_websocket_and_its_forms(desk: Desk, page: Page, foreign: str) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(foreign)

    run = ui_actions.launch(desk, page, dry_run="true")

    assert desk.ended(run)["status"] == "SUCCESS"
    page.get_by_text("RUN_SUCCESS").first.wait_for(timeout=ui_actions.PATIENCE_MILLISECONDS)
    assert any(url.startswith(desk.ui.replace("http", "ws")) for url in sockets)
