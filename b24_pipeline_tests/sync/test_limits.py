"""R16 through the whole chain: what is held, what goes on, and what an approval lets pass."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from b24_pipeline import audit
from b24_pipeline.sandbox import Fault, FaultKind
from b24_pipeline.sandbox.callgear.behavior import Right
from b24_pipeline_tests.audit.helpers import ask
from b24_pipeline_tests.harness import World

LEAVERS = (1, 2, 3, 4)
DAY = timedelta(hours=24).total_seconds()


def dismissed(world: World) -> None:
    """Four of nine people leave: more than the limit of three."""
    world.list_responsible(*range(1, 10))
    for user in LEAVERS:
        world.portal.dismiss(user)


def test_r16_more_removals_than_the_limit_are_all_held_while_the_rest_goes_on(imported: World) -> None:
    dismissed(imported)
    newcomer = imported.hire("Newcomer")

    result = imported.run()

    assert (result.status, result.counts.held, result.counts.created) == ("held", 4, 1)
    assert newcomer in imported.links()
    assert len(imported.account.responsible) == 9
    assert [result.outcomes()[user] for user in LEAVERS] == ["remove_responsible dismissed: held"] * 4
    how_to_approve = result.metadata("responsible_employees")["approve"]
    assert f"b24-pipeline approve {result.run_id}" in how_to_approve
    assert f"approve: {result.run_id}" in how_to_approve


def test_r16_what_a_person_approves_is_done_and_not_more(imported: World) -> None:
    dismissed(imported)
    held = imported.import_people()
    imported.portal.dismiss(5)

    result = imported.import_people(approve=held.run_id)

    assert (result.status, result.counts.responsible_removed, result.counts.held) == ("held", 4, 1)
    assert set(imported.account.responsible) == {"5", "6", "7", "8", "9"}


@pytest.mark.parametrize(
    ("trigger", "tags", "name"),
    [
        ("cli", {}, "clerk"),
        (None, {}, "dagster ui"),
        (None, {"user": "ira@company.example"}, "ira@company.example"),
    ],
)
def test_r16_who_approved_and_why_is_kept(
    imported: World, monkeypatch: pytest.MonkeyPatch, trigger: str | None, tags: dict[str, str], name: str
) -> None:
    dismissed(imported)
    held = imported.import_people()
    monkeypatch.setattr("b24_pipeline.resources.system_user", lambda: "clerk")

    imported.run(
        approve=held.run_id, comment=" agreed with Oleg ", trigger=trigger, tags=tags, assets=["bitrix24_users"]
    )

    query = "SELECT run_id, approved_at, approved_by, comment FROM audit.approvals"
    assert ask(imported.paths, query) == [(held.run_id, imported.clock.now(), name, "agreed with Oleg")]


def test_r16_an_approval_is_used_once(imported: World) -> None:
    dismissed(imported)
    imported.import_people(approve=imported.import_people().run_id)
    imported.list_responsible(*LEAVERS)
    imported.portal.dismiss(5)

    result = imported.import_people()

    assert (result.status, result.counts.held) == ("held", 5)


def test_r16_runs_that_cannot_use_an_approval_leave_it_to_the_next(imported: World) -> None:
    dismissed(imported)
    held = imported.import_people()
    imported.run(assets=["bitrix24_users"], approve=held.run_id)
    imported.import_people(only=[9])
    faults = [
        Fault(FaultKind.HTTP_500, api="callgear", method="get.employees", times=None),
        Fault(FaultKind.HTTP_500, api="bitrix24", times=None),
    ]
    ended = []
    for fault in faults:
        imported.sandbox.faults.add(fault)
        ended.append(imported.run().success)
        imported.sandbox.faults.clear()

    result = imported.import_people()

    assert (ended, result.status, result.counts.responsible_removed) == ([False, False], "done", 4)


def test_r16_what_an_approved_run_defers_stays_approved_and_is_done_once(imported: World) -> None:
    imported.hire_many(12, prefix="Newcomer")
    held = imported.import_people()
    imported.behave(day_limit=8)
    some = imported.import_people(approve=held.run_id)
    imported.behave(day_limit=1_000_000)
    rest = imported.import_people()
    with imported.database() as database:
        left = audit.approvals.open_approval(database, imported.clock.now())

    assert (some.status, some.counts.held, some.counts.created > 0) == ("partial", 0, True)
    assert (rest.status, rest.counts.created) == ("done", 12 - some.counts.created)
    assert left is None


def test_r16_a_run_of_yesterday_cannot_be_approved(imported: World) -> None:
    dismissed(imported)
    held = imported.import_people()
    imported.clock.sleep(DAY + 1)
    imported.forget_requests()

    result = imported.run(approve=held.run_id)

    assert (result.success, result.row, imported.sandbox.requests) == (False, None, [])
    assert "began more than 24 hours ago" in result.failures()[0]


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"approve": "nonsense"}, "No run nonsense is known"),
        ({"approve": "nonsense", "dry_run": True}, "`approve` cannot be combined with `dry_run`"),
        ({"approve_users": [7]}, "`approve_users` needs `approve`"),
        ({"comment": "agreed"}, "`comment` needs `approve`"),
        ({"approve": "4711", "comment": "two\nlines"}, "comment: must be one line of text without control characters"),
        ({"approve": "4711", "comment": "x" * 501}, "comment: has 501 characters; at most 500 are kept"),
    ],
)
def test_r16_an_approval_that_means_nothing_is_refused_before_anything_is_asked(
    world: World, config: dict[str, object], text: str
) -> None:
    result = world.run(**config)

    assert (result.success, result.row, world.sandbox.requests) == (False, None, [])
    assert text in result.failures()[0]


def test_r16_an_accident_in_small_portions_is_held_once_it_is_over_the_limit(imported: World) -> None:
    imported.list_responsible(*range(1, 10))
    ended = []
    for user in range(1, 7):
        imported.portal.dismiss(user)
        imported.hire(f"Bogus{user}a")
        imported.hire(f"Bogus{user}b")
        imported.clock.sleep(7)
        ended.append(imported.import_people().counts)

    assert (sum(counts.responsible_removed for counts in ended), sum(counts.created for counts in ended)) == (3, 10)
    assert (ended[-1].held, len(imported.account.responsible)) == (3 + 2, 6)


def test_r16_what_was_done_counts_for_24_hours_and_what_was_approved_does_not_count(imported: World) -> None:
    dismissed(imported)
    imported.import_people(approve=imported.import_people().run_id)
    for user in (5, 6, 7):
        imported.portal.dismiss(user)
    first = imported.import_people()
    imported.portal.dismiss(8)
    too_many = imported.import_people()
    imported.clock.sleep(DAY)

    result = imported.import_people()

    assert (first.counts.responsible_removed, too_many.status, too_many.counts.held) == (3, "held", 1)
    assert (result.status, result.counts.responsible_removed) == ("done", 1)


def test_r16_an_accident_in_small_portions_is_held_although_callgear_refuses_it(imported: World) -> None:
    refusal = Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", times=None)
    imported.sandbox.faults.add(refusal)
    refused = []
    for portion in "abcd":
        imported.hire_many(4, prefix=f"Bogus{portion}")
        refused.append(imported.import_people().status)
        imported.clock.sleep(3600)
    imported.sandbox.faults.clear()

    result = imported.import_people()

    assert refused == ["partial", "partial", "held", "held"]
    assert (result.status, result.counts.created, result.counts.held) == ("held", 0, 16)


def test_r16_who_fails_since_the_first_import_holds_nobody_else(world: World) -> None:
    world.hire_many(40)
    world.sandbox.faults.add(
        Fault(FaultKind.MNEMONIC, api="callgear", method="create.employees", nth=30, times=11 + 11)
    )
    first = world.import_people()
    world.hire("Newcomer")

    result = world.import_people()

    assert (first.status, first.counts.created, first.counts.failed) == ("partial", 29, 11)
    assert (result.status, result.counts.created + result.counts.failed, result.counts.held) == ("partial", 12, 0)


def test_r16_small_portions_for_single_people_are_counted_as_well(imported: World) -> None:
    dismissed(imported)
    held = [imported.import_people(only=[user]).counts.held for user in LEAVERS]

    assert held == [0, 0, 0, 1]


def test_r16_approving_a_run_for_one_person_approves_nobody_else(imported: World) -> None:
    bogus = imported.hire_many(10, prefix="Bogus")
    wanted = imported.hire("Wanted")
    imported.set(B24_PIPELINE_LIMIT_CREATES="0", B24_PIPELINE_LIMIT_CREATES_SHARE="0")
    single = imported.import_people(only=[wanted])

    result = imported.import_people(approve=single.run_id)

    assert (single.status, single.outcomes()) == ("held", {wanted: "create: held"})
    assert (result.status, result.counts.created, result.counts.held) == ("held", 1, len(bogus))


def test_r16_changes_because_of_a_match_by_id_are_limited_also_in_a_first_import(imported: World) -> None:
    imported.hire_many(21, prefix="Newcomer")
    imported.import_people(approve=imported.import_people().run_id)
    imported.set(B24_PIPELINE_LAST_NAME_PREFIX="(b24) ")
    imported.forget_requests()

    result = imported.import_people(on_id_match="refresh")

    assert (result.status, result.counts.held, imported.writes()) == ("held", 30, [])
    assert imported.import_people(on_id_match="refresh", approve=result.run_id).status == "done"
    assert all(name.startswith("(b24) ") for name in imported.employees())


def test_r16_a_first_import_may_create_any_number(world: World) -> None:
    world.hire_many(11)

    assert world.import_people().counts.created == 11


def test_r16_after_the_first_import_as_many_are_held(imported: World) -> None:
    imported.hire_many(11, prefix="Newcomer")

    result = imported.import_people()

    assert (result.status, result.counts.created, result.counts.held) == ("held", 0, 11)


def test_r16_a_first_import_lasts_until_nothing_is_deferred(world: World) -> None:
    world.hire_many(12)
    world.behave(day_limit=6)
    broken_off = world.import_people()
    world.behave(day_limit=1_000)
    world.clock.sleep(DAY)

    result = world.import_people()

    assert (broken_off.status, broken_off.counts.deferred > 0) == ("partial", True)
    assert (result.status, len(world.account.employees)) == ("done", 12)


@pytest.mark.parametrize("refused", [Right.UPDATE_EMPLOYEES, None], ids=["method", "record"])
def test_r16_a_refusal_does_not_prolong_the_first_import(world: World, refused: Right | None) -> None:
    world.hire_many(11)
    world.account.add_employee(last_name="Known", email="known@x.test")
    world.hire("Known")
    if refused:
        world.behave(rights=frozenset(Right) - {refused})
    else:
        world.sandbox.faults.add(Fault(FaultKind.MNEMONIC, api="callgear", method="update.employees", times=None))
    first = world.import_people()
    world.hire_many(12, prefix="Bogus")

    result = world.import_people()

    assert (first.status, first.counts.created) == ("partial", 11)
    assert (result.status, result.counts.created, result.counts.held) == ("held", 0, 12)


def test_r16_refusals_that_stop_a_run_do_not_prolong_the_first_import(world: World) -> None:
    world.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    world.hire_many(11)
    for name in ("Known1", "Known2", "Known3", "Known4"):
        world.account.add_employee(last_name=name, email=f"{name.lower()}@x.test")
        world.hire(name)
    malformed = Fault(
        FaultKind.MNEMONIC,
        api="callgear",
        method="update.employees",
        mnemonic="unexpected_parameters",
        times=None,
    )
    world.sandbox.faults.add(malformed)
    first = world.import_people()
    world.hire_many(12, prefix="Bogus")

    result = world.import_people()

    assert (first.status, first.counts.created, len(world.links())) == ("failed", 11, 15)
    assert "the same malformed request 3 times in a row" in str(first.reason)
    assert (result.counts.created, result.counts.held) == (0, 12)


@pytest.mark.parametrize("fault", [FaultKind.MNEMONIC, FaultKind.TOKEN_INVALID])
def test_r16_a_run_that_is_stopped_before_everybody_was_tried_leaves_the_first_import_open(
    world: World, fault: FaultKind
) -> None:
    world.hire_many(20)
    world.set(B24_PIPELINE_CALLGEAR_IN_FLIGHT="1")
    world.sandbox.faults.add(Fault(fault, api="callgear", method="create.employees", nth=3, times=None))
    stopped = world.import_people()
    world.sandbox.faults.clear()

    result = world.import_people()

    assert (stopped.status, stopped.counts.created, stopped.counts.deferred > 10) == ("failed", 2, True)
    assert (result.status, result.counts.held, len(world.account.employees)) == ("done", 0, 20)


def run_out_of_time(world: World) -> None:
    """The account answers so slowly that the run's time is over after a few requests."""
    world.set(B24_PIPELINE_RUN_MINUTES="1")
    world.sandbox.on_request = lambda *_: world.clock.sleep(10)


def leave_account_unread(world: World) -> None:
    world.sandbox.faults.add(Fault(FaultKind.LIMIT_DAY, api="callgear", method="get.employees", times=None))


@pytest.mark.parametrize("run_short", [run_out_of_time, leave_account_unread])
def test_r16_a_shortage_prolongs_the_first_import(world: World, run_short: Callable[[World], None]) -> None:
    world.hire_many(3)
    world.import_people(only=[1])
    world.hire_many(12, prefix="Newcomer")
    run_short(world)
    broken_off = world.import_people()
    world.sandbox.faults.clear()
    world.sandbox.on_request = None
    world.clock.sleep(DAY)

    assert (broken_off.status, world.import_people().status) == ("partial", "done")


def test_r16_a_first_import_is_over_although_a_later_step_fails(world: World) -> None:
    world.hire_many(11)
    world.set(B24_PIPELINE_RESPONSIBLE_LIST="mirror")
    world.sandbox.faults.add(Fault(FaultKind.HTTP_500, api="callgear", method="get.deal_employees", times=None))
    first = world.import_people()
    world.hire_many(12, prefix="Newcomer")

    result = world.import_people()

    assert (first.status, first.counts.created) == ("failed", 11)
    assert (result.counts.created, result.counts.held) == (0, 12)


def test_r16_runs_for_some_people_or_of_one_asset_do_not_end_the_first_import(world: World) -> None:
    first, *_ = world.hire_many(12)
    world.import_people(only=[first])
    world.run(assets=["bitrix24_users"])

    result = world.import_people()

    assert (result.status, result.counts.created) == ("done", 11)


def test_r16_a_lost_database_is_rebuilt_by_email_without_a_write_and_without_being_held(imported: World) -> None:
    imported.hire_many(21, prefix="Newcomer")
    imported.set(B24_PIPELINE_LIMIT_CREATES="100")
    imported.import_people()
    links = imported.links()
    for file in imported.paths.published.parent.glob("b24*"):
        file.unlink()
    imported.forget_requests()

    result = imported.import_people()

    assert (result.status, result.counts.linked, imported.writes()) == ("done", 30, [])
    assert imported.links() == links


def test_r09_an_approved_mailbox_moves_the_link_and_only_that_one(imported: World) -> None:
    links = imported.links()
    for leaver in (1, 2):
        imported.portal.dismiss(leaver)
    heir, other = imported.hire("Heir", EMAIL="person1@x.test"), imported.hire("Other", EMAIL="person2@x.test")
    listed = imported.import_people()

    result = imported.import_people(approve=listed.run_id, approve_users=[heir])

    moved = imported.links()
    assert (moved[heir], moved[2], 1 in moved) == (links[1], links[2], False)
    assert result.outcomes()[heir] == "link email_reuse_approved: done, update email_link: done"
    assert result.outcomes()[other] == "conflict email_reused: conflict"
    assert "(bitrix24) Heir" in imported.employees()


def test_r09_more_mailboxes_than_the_limit_pass_when_each_was_approved_by_name(imported: World) -> None:
    heirs = []
    for leaver in LEAVERS:
        imported.portal.dismiss(leaver)
        heirs.append(imported.hire(f"Heir{leaver}", EMAIL=f"person{leaver}@x.test"))
    listed = imported.import_people()

    result = imported.import_people(approve=listed.run_id, approve_users=heirs)

    assert (result.status, result.counts.linked, result.counts.held) == ("done", 4, 0)


def test_r16_the_limits_are_settings(imported: World) -> None:
    imported.list_responsible(1)
    imported.portal.dismiss(1)
    imported.set(B24_PIPELINE_LIMIT_REMOVALS="0", B24_PIPELINE_LIMIT_REMOVALS_SHARE="0")

    assert imported.import_people().status == "held"
