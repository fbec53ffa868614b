"""Nobody there, an authority that is not known, a redirect: what a run does before it has spoken to anybody."""

import socket
from collections.abc import Iterator

import pytest

from b24_pipeline.rules.models import RunStatus
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline_tests import scenarios
from b24_pipeline_tests.faults import invariants
from b24_pipeline_tests.faults.prepared_scenarios import PreparedScenarios, Site
from b24_pipeline_tests.faults.tls_proxy import AUTHORITY, tls_before

ADDRESSES = ("bitrix24_webhook_url", "callgear_api_url")


@pytest.fixture
def site(prepared_scenarios: PreparedScenarios) -> Iterator[Site]:
    """Two people to import."""
    with prepared_scenarios.start(scenarios.LOGIN_SCENARIO) as found:
        yield found


def over_tls(site: Site, address: str, port: int) -> dict[str, str]:
    """The setting that leads to one of the systems over TLS."""
    plain = str(site.given()[address])
    return {address: plain.replace("http://", "https://").replace(f":{site.server.port}/", f":{port}/")}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_unknown_authority_is_refused_and_a_given_one_is_trusted(site: Site, address: str) -> None:
    with tls_before(site.server.port) as port:
        refused = site.run(**over_tls(site, address, port))
        asked = [request.api for request in refused.requests]
        trusted = site.run(**over_tls(site, address, port), ca_bundle=AUTHORITY)

    assert (refused.status, refused.writes()) == (RunStatus.FAILED, [])
    assert "CA bundle" in str(refused.reason)
    assert ("bitrix24" if "bitrix24" in address else "callgear") not in asked
    assert (trusted.status, trusted.counts.created) == (RunStatus.DONE, 1)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_refused_connection_fails_the_run_without_a_write_and_the_next_one_converges(
    site: Site, prepared_scenarios: PreparedScenarios, address: str
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        there = str(site.given()[address])
        refused = site.run(**{address: there.replace(f":{site.server.port}/", f":{port}/")})

    assert (refused.status, refused.writes()) == (RunStatus.FAILED, [])
    assert SECRET not in str(refused.reason)
    ended = site.run()
    invariants.check_converged(site.state(), prepared_scenarios.get(site.scenario), ended)


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("http://elsewhere.example/rest/1/code/batch", "elsewhere.example"),
        ("ftp://127.0.0.1/rest/1/code/batch", "another kind of address"),
        ("https://127.0.0.1/rest/1/code/batch", "another kind of address"),
        ("/login/?backurl=/", "redirects to a URL that is not a webhook"),
        ("?", "too many redirects"),
    ],
)
def test_a_redirect_of_the_portal_to_elsewhere_is_not_followed_and_said(site: Site, location: str, says: str) -> None:
    site.sandbox.faults.add(Fault(FaultKind.REDIRECT_302, "bitrix24", times=None, location=location))
    ended = site.run()

    assert (ended.status, {request.api for request in ended.requests}) == (RunStatus.FAILED, {"bitrix24"})
    assert says in str(ended.reason)
    assert SECRET not in str(ended.reason)


def test_a_redirect_of_callgear_is_never_followed(site: Site) -> None:
    """Its token is in the body of the request, which would go wherever the redirect leads."""
    site.sandbox.faults.add(Fault(FaultKind.REDIRECT_302, "callgear", "get.employees", times=None))
    ended = site.run()

    assert (ended.status, ended.writes()) == (RunStatus.FAILED, [])
    assert all(request.fault for request in ended.requests if request.method == "get.employees")
