"""The page's switches: a failure, a hold and a recovery, practiced with the import itself."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.sandbox.practice import SLOW_SECONDS, Switch
from b24_pipeline.sandbox.recording import Api
from b24_pipeline_tests.harness import World


@pytest.fixture
def page() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as client:
        yield client


def turn(world: World, page: httpx.Client, switch: Switch, to: str) -> None:
    answer = page.post(f"{world.server.page_url}practice/{switch}/{to}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/#practice")


def is_on(world: World, page: httpx.Client, switch: Switch) -> bool:
    """What the page shows, loaded anew."""
    text = page.get(world.server.page_url).text
    shown = {to: f'action="/practice/{switch}/{to}"' in text for to in ("on", "off")}
    assert shown["on"] is not shown["off"]
    return shown["off"]


@pytest.mark.parametrize("switch", Switch)
def test_a_switch_shows_its_state_survives_a_reload_and_can_be_switched_off(
    imported: World, page: httpx.Client, switch: Switch
) -> None:
    before = set(imported.portal.users)
    assert not is_on(imported, page, switch)
    turn(imported, page, switch, "on")
    assert is_on(imported, page, switch)
    turn(imported, page, switch, "off")
    assert not is_on(imported, page, switch)
    assert set(imported.portal.users) == before


@pytest.mark.parametrize("foreign", [{"Origin": "https://evil.test"}, {"Host": "evil.test"}])
def test_another_site_cannot_switch(imported: World, page: httpx.Client, foreign: dict[str, str]) -> None:
    url = f"{imported.server.page_url}practice/{Switch.CALLGEAR_DOWN}/on"
    assert page.post(url, headers=foreign).status_code == 403
    assert imported.sandbox.practice.on == set()


def test_what_is_no_switch_is_not_found(imported: World, page: httpx.Client) -> None:
    assert page.post(f"{imported.server.page_url}practice/no-such/on").status_code == 404
    assert page.post(f"{imported.server.page_url}practice/{Switch.CALLGEAR_DOWN}/up").status_code == 404


def test_switches_survive_a_restart_of_the_sandbox(tmp_path: Path) -> None:
    sandbox = Sandbox.company()
    people = set(sandbox.portal.users)
    for switch in Switch:
        sandbox.practice.turn_on(switch)
    sandbox.save(tmp_path / "state.json")
    loaded = Sandbox.load(tmp_path / "state.json")
    assert loaded.practice.on == set(Switch)
    assert len(loaded.portal.users) < len(people) * 0.6
    for switch in Switch:
        loaded.practice.turn_off(switch)
    assert set(loaded.portal.users) == people


def test_in_the_company_half_of_the_responsible_list_is_gone() -> None:
    sandbox = Sandbox.company()
    sandbox.practice.turn_on(Switch.PORTAL_HALF_EMPTY)
    listed = {int(ext_id) for ext_id in sandbox.account.responsible if ext_id.isdecimal()}
    assert len(listed & set(sandbox.portal.hidden)) > 10


def test_callgear_down_fails_the_run_and_the_next_one_goes_on(imported: World, page: httpx.Client) -> None:
    newcomer = imported.hire("Newcomer")
    turn(imported, page, Switch.CALLGEAR_DOWN, "on")
    failed = imported.import_people()
    assert failed.status == "failed"
    assert "CallGear closed the connection without an answer" in str(failed.reason)
    turn(imported, page, Switch.CALLGEAR_DOWN, "off")
    assert imported.import_people().status == "done"
    assert newcomer in imported.links()


def test_callgear_slow_takes_longer(imported: World, page: httpx.Client) -> None:
    turn(imported, page, Switch.CALLGEAR_SLOW, "on")
    assert imported.sandbox.practice.seconds(Api.CALLGEAR) == SLOW_SECONDS
    assert imported.sandbox.practice.seconds(Api.BITRIX24) == 0


def test_one_person_refused_fails_alone_and_is_tried_again_at_will(imported: World, page: httpx.Client) -> None:
    fine, refused = imported.hire("Fine"), imported.hire("Refused")
    turn(imported, page, Switch.ONE_PERSON_REFUSED, "on")
    first = imported.import_people()
    assert (first.status, first.counts.created, first.counts.failed) == ("partial", 1, 1)
    assert fine in imported.links()
    turn(imported, page, Switch.ONE_PERSON_REFUSED, "off")
    assert imported.import_people(only_failed=True).counts.created == 1
    assert refused in imported.links()


def test_leavers_who_own_deals_stay_on_the_list(imported: World, page: httpx.Client) -> None:
    imported.list_responsible(1)
    imported.portal.dismiss(1)
    turn(imported, page, Switch.LEAVERS_OWN_DEALS, "on")
    assert imported.import_people().counts.failed == 1
    assert "1" in imported.account.responsible
    turn(imported, page, Switch.LEAVERS_OWN_DEALS, "off")
    assert imported.import_people(only_failed=True).counts.responsible_removed == 1


def test_a_half_empty_portal_is_held_and_harms_nobody(imported: World, page: httpx.Client) -> None:
    imported.list_responsible(*range(1, 10))
    before = dict(imported.account.responsible)
    turn(imported, page, Switch.PORTAL_HALF_EMPTY, "on")
    held = imported.import_people()
    assert (held.status, held.counts.responsible_removed, imported.account.responsible) == ("held", 0, before)
    turn(imported, page, Switch.PORTAL_HALF_EMPTY, "off")
    assert imported.import_people().status == "done"
    assert imported.account.responsible == before


def test_another_importer_stops_creates_until_somebody_says_it_is_settled(imported: World, page: httpx.Client) -> None:
    turn(imported, page, Switch.OTHER_IMPORTER, "on")
    imported.hire("Newcomer")
    found = imported.import_people()
    assert found.status == "partial"
    assert "another import writes to this account" in str(found.reason)
    turn(imported, page, Switch.OTHER_IMPORTER, "off")
    assert [name for name in imported.employees() if name.startswith("(crm)")] == []
