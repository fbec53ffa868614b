"""Proxies of the environment: which host is reached by which, and what is said of one that cannot be used."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from b24_pipeline.http import InvalidProxyError, Proxies
from b24_pipeline.http.proxies import covers, is_loopback
from b24_pipeline_tests.cli.conftest import Terminal
from b24_pipeline_tests.harness import World

PROXY = "http://proxy.company.com:3128"
PASSWORD = "proxy-pass-word"
OUTSIDE = {
    "BITRIX24_WEBHOOK_URL": "https://portal.test/rest/1/secretsecret/",
    "CALLGEAR_API_URL": "https://account.test/v2.0",
}


@contextmanager
def proxy_answering(status: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy that answers every request with this status; its address, and the hosts it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_response(status, f"no {PASSWORD}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://user:{PASSWORD}@127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "[::1]", "api.localhost"])
def test_this_machine_is_never_reached_by_a_proxy(host: str) -> None:
    proxies = Proxies.of({"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY})
    assert proxies.for_url(httpx.URL(f"http://{host}:8080/")) is None
    assert proxies.for_url(httpx.URL(f"https://{host}/")) is None


def test_other_hosts_are_and_a_host_that_only_looks_like_this_machine_too() -> None:
    proxies = Proxies.of({"ALL_PROXY": PROXY})
    found = proxies.for_url(httpx.URL("https://localhost.company.com/"))
    assert found is not None
    assert (found.variable, found.url) == ("ALL_PROXY", f"{PROXY}/")
    assert not is_loopback("128.0.0.1")


def test_a_run_on_this_machine_needs_no_proxy_that_answers(world: World) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    world.set(HTTP_PROXY=nobody, HTTPS_PROXY=nobody, ALL_PROXY=nobody, NO_PROXY="[::1, *.corp, 10.0.0.0/8,, ::1]")
    world.hire("Lebedeva")

    assert world.import_people().row["status"] == "done"


@pytest.mark.parametrize(
    ("entry", "host", "port", "covered"),
    [
        ("*", "portal.test", 443, True),
        ("portal.test", "portal.test", 443, True),
        ("portal.test", "sub.portal.test", 443, True),
        ("portal.test", "notportal.test", 443, False),
        (".portal.test", "sub.portal.test", 443, True),
        ("*.corp", "bitrix.corp", 443, True),
        ("*.corp", "bitrix.corporate", 443, False),
        ("portal.test:8443", "portal.test", 8443, True),
        ("portal.test:8443", "portal.test", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.1.2.3:80", "10.1.2.3", 443, False),
        ("fd00::/8", "[fd00::1]", 443, True),
        ("[fd00::1]", "fd00::1", 443, True),
        ("[fd00::1]:443", "fd00::1", 443, True),
        ("2.3", "10.1.2.3", 443, False),
        ("[::1", "portal.test", 443, False),
        ("http://portal.test", "portal.test", 443, False),
        ("10.0.0.0/99", "10.1.2.3", 443, False),
        (":", "portal.test", 443, False),
        (".", "portal.test", 443, False),
        ("*.", "portal.test", 443, False),
        ("999999999999999999999", "portal.test", 443, False),
    ],
)
def test_an_entry_of_no_proxy_names_what_it_says_and_else_nothing(
    entry: str, host: str, port: int, covered: bool
) -> None:
    assert covers(entry, host, port) is covered


def test_the_lower_case_name_counts_and_an_empty_one_is_no_proxy() -> None:
    assert not list(Proxies.of({"https_proxy": "", "HTTPS_PROXY": PROXY}).all())
    (lower,) = Proxies.of({"https_proxy": "proxy.test:1", "HTTPS_PROXY": PROXY}).all()
    assert (lower.variable, lower.url) == ("https_proxy", "http://proxy.test:1/")


def test_the_login_of_a_proxy_is_shown_nowhere() -> None:
    proxies = Proxies.of({"HTTPS_PROXY": "http://user:p%40ss-word@proxy.test:3128"})
    (proxy,) = proxies.all()
    assert proxy.login == ("user", "p@ss-word")
    assert "ss-word" not in f"{proxies!r}{proxy.url}"


@pytest.mark.parametrize("address", ["http://[::1", "ftp://proxy.test", "http://", "http://proxy:99999"])
def test_what_is_no_proxy_is_named_without_its_value(address: str) -> None:
    with pytest.raises(InvalidProxyError, match=r"^ALL_PROXY: is not a valid proxy URL\. Example: ALL_PROXY="):
        Proxies.of({"ALL_PROXY": address})


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_a_socks_proxy_is_2_and_has_words_of_its_own(
    portal: World, terminal: Terminal, variable: str, scheme: str
) -> None:
    portal.set(**{variable: f"{scheme}://user:{PASSWORD}@proxy.test:1080"})

    said = terminal("check")

    assert (said.code, PASSWORD in said.err) == (2, False)
    assert said.err.startswith(f"b24-pipeline: {variable}: names a SOCKS proxy, which is not supported")


@pytest.mark.parametrize(
    ("status", "says", "times"),
    [
        (407, "the proxy that HTTPS_PROXY names asks for a login (407): give it one, such as HTTPS_PROXY=", 1),
        (403, "the proxy that HTTPS_PROXY names answered with status 403: let it allow this host", 1),
        (502, "the proxy that HTTPS_PROXY names answered with status 502", 5),
    ],
)
def test_what_a_proxy_refuses_is_said_once_and_what_may_pass_is_repeated(
    world: World, status: int, says: str, times: int
) -> None:
    with proxy_answering(status) as (address, asked):
        world.set(**OUTSIDE, HTTPS_PROXY=address)
        ended = world.import_people()

    assert (ended.row["status"], set(asked)) == ("failed", {"portal.test:443"})
    assert len(asked) == 2 * times, "counting and reading go at the same time"
    assert says in ended.row["reason"]
    assert PASSWORD not in ended.row["reason"]


def test_a_proxy_that_nobody_answers_at_is_named(world: World) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        world.set(**OUTSIDE, HTTPS_PROXY=f"http://127.0.0.1:{closed.getsockname()[1]}")
        ended = world.import_people()

    assert "no connection through the proxy that HTTPS_PROXY names" in ended.row["reason"]
