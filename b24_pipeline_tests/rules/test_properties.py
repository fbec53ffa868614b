"""What holds for every company: properties of the rules over generated users, employees, links and settings."""

import json
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import eligibility, matching, normalization, phone_numbers, planning
from b24_pipeline.rules.models import ActionKind, Edition, Eligibility, IdMatchPolicy, PhonesPolicy, Policy, Scope
from b24_pipeline_tests import factories
from b24_pipeline_tests.factories import Row

with_companies = settings(max_examples=10, deadline=None)
with_texts = settings(max_examples=60, deadline=None)

EMAILS = st.sampled_from(
    [
        None,
        " ",
        "ira@x.test",
        " IRA@x.test",
        "oleg@x.test",
        "straße@x.test",
        "STRASSE@x.test",
        "ir\u00ada@x.test",
        "bad",
    ]
)
NAMES = st.sampled_from([None, "Lebedeva", " LEBEDEVA ", "Zimina", "(bitrix24) Zimina", "van  der\u00a0Berg"])
PHONES = st.sampled_from(
    [None, "", "123", "1-2-3", "+7 (912) 345-67-89", "٠٥٠ ١٢٣", "12", "1" * 16, "доб.", "101, 102 #5"]
)
USER_IDS, CALLGEAR_IDS = range(1, 13), range(101, 109)


@dataclass(frozen=True)
class World:
    """Both systems and our own memory before a run."""

    users: DataFrame[schemas.Users]
    account: DataFrame[schemas.CallGearEmployees]
    links: DataFrame[schemas.Links]
    pending: DataFrame[schemas.PendingCreates]
    policy: Policy

    @cached_property
    def employees(self) -> DataFrame[schemas.Employees]:
        """The users, judged."""
        return eligibility.evaluate_users(self.users, policy=self.policy)

    @cached_property
    def matches(self) -> DataFrame[schemas.Matches]:
        """The match table."""
        return matching.match(self.employees, callgear_employees=self.account, links=self.links, pending=self.pending)

    @cached_property
    def plan(self) -> DataFrame[schemas.Actions]:
        """What a run would do."""
        return planning.plan_upsert(
            self.employees, matches=self.matches, callgear_employees=self.account, policy=self.policy
        )


@st.composite
def users(draw: st.DrawFn) -> DataFrame[schemas.Users]:
    """A portal with up to twelve users of every kind; e-mails and names clash often."""
    ids = draw(st.lists(st.sampled_from(USER_IDS), unique=True))
    return factories.users(
        *(
            factories.user(
                bitrix24_id,
                user_type=draw(st.sampled_from(["employee"] * 6 + ["extranet", None])),
                active=draw(st.sampled_from([True, True, True, False])),
                last_name=draw(NAMES),
                email=draw(EMAILS),
                work_phone=draw(PHONES),
                personal_mobile=draw(PHONES),
                personal_phone=draw(PHONES),
                departments=draw(st.sampled_from([None, "1", "1,9"])),
            )
            for bitrix24_id in ids
        )
    )


@st.composite
def accounts(draw: st.DrawFn) -> DataFrame[schemas.CallGearEmployees]:
    """An account with up to eight employees, with and without e-mail and phones."""
    ids = draw(st.lists(st.sampled_from(CALLGEAR_IDS), unique=True))
    return factories.callgear_employees(
        *(
            factories.callgear_employee(
                callgear_id,
                email=draw(EMAILS),
                last_name=draw(NAMES),
                phones=draw(st.sampled_from([(), ("999",), ("123", "456")])),
            )
            for callgear_id in ids
        )
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A portal, an account, links (live, stale, of leavers, of people gone), unfinished creates and settings."""
    linked = draw(st.lists(st.sampled_from(USER_IDS), unique=True, max_size=6))
    links_to = draw(st.permutations([*CALLGEAR_IDS, 998, 999]))
    pending = draw(st.lists(st.sampled_from(USER_IDS), unique=True, max_size=4))
    return World(
        users=draw(users()),
        account=draw(accounts()),
        links=factories.links(
            *(factories.link(user, to, last_name=draw(NAMES)) for user, to in zip(linked, links_to, strict=False))
        ),
        pending=factories.pending_creates(*(factories.pending_create(user, email=draw(EMAILS)) for user in pending)),
        policy=Policy(
            edition=draw(st.sampled_from(Edition)),
            phones=draw(st.sampled_from(PhonesPolicy)),
            on_id_match=draw(st.sampled_from(IdMatchPolicy)),
            scope=Scope(exclude_departments=draw(st.sampled_from([frozenset(), frozenset({9})]))),
        ),
    )


def after(world: World) -> World:
    """The world once the plan is carried out without trouble: the account changed, every link stored."""
    account = {row["callgear_id"]: row for row in world.account.to_dict("records")}
    links = {row["bitrix24_id"]: row for row in world.links.to_dict("records")}
    pending = {row["bitrix24_id"]: row for row in world.pending.to_dict("records")}
    for step in world.plan.to_dict("records"):
        if step["action"] not in (ActionKind.CREATE, ActionKind.LINK, ActionKind.UPDATE):
            continue
        user = step["bitrix24_id"]
        employee = step["callgear_id"] if step["action"] != ActionKind.CREATE else 1000 + user
        account[employee] = written(account.get(employee, factories.callgear_employee(employee)), step=step)
        links = {holder: link for holder, link in links.items() if link["callgear_id"] != employee}
        links[user] = factories.link(user, employee)
        if step["action"] != ActionKind.UPDATE:  # only a link that is stored settles an announced create
            pending.pop(user, None)
    return replace(
        world,
        account=factories.callgear_employees(*account.values()),
        links=factories.links(*links.values()),
        pending=factories.pending_creates(*pending.values()),
    )


def written(employee: Row, *, step: Row) -> Row:
    """The employee after a write: what was sent replaces what was there."""
    sent = factories.fields(step["after"])
    if "phone_numbers" in sent:
        sent["phone_numbers"] = json.dumps([factories.phone_entry(number) for number in sent["phone_numbers"]])
    return employee | sent


def moved_from(plan: DataFrame[schemas.Actions]) -> set[int]:
    """The users who lose their link to somebody else."""
    return {factories.fields(text)["other_bitrix24_id"] for text in plan.loc[plan["risk"] == "link_move", "before"]}


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows in an order of their own, with None for "no value"."""
    by_id = frame.sort_values("bitrix24_id").astype("object")
    return by_id.where(by_id.notna(), None).to_dict("records")


def shuffled(frame: DataFrame[Any], data: st.DataObject) -> DataFrame[Any]:
    """The frame with its rows in another order."""
    return frame.iloc[data.draw(st.permutations(range(len(frame))))].reset_index(drop=True)


@with_companies
@given(worlds())
def test_r18_r09_r10_r11_planning_again_after_the_plan_is_carried_out_is_empty(world: World) -> None:
    again = after(world).plan
    assert set(again["action"]) <= {ActionKind.REJECT, ActionKind.CONFLICT}


@with_companies
@given(worlds())
def test_r10_r12_no_plan_creates_an_employee_with_an_email_that_another_has_or_gets(world: World) -> None:
    plan = world.plan
    sent = plan.loc[plan["action"] == ActionKind.CREATE, "after"]
    created = normalization.email_key(pd.Series([factories.fields(text)["email"] for text in sent], dtype="str"))
    assert created.is_unique
    assert not created.isin(normalization.email_key(world.account["email"])).any()


@with_companies
@given(worlds())
def test_r07_r09_an_employee_is_never_linked_to_two_users_and_no_live_link_is_lost(world: World) -> None:
    links = after(world).links
    moved = moved_from(world.plan)
    live = world.links[world.links["callgear_id"].isin(world.account["callgear_id"])]
    lost = set(live["bitrix24_id"]) - set(links["bitrix24_id"])
    assert links["callgear_id"].is_unique
    assert lost <= moved <= lost | set(world.pending["bitrix24_id"])


@with_companies
@given(worlds())
def test_r09_a_link_is_only_taken_from_somebody_who_left(world: World) -> None:
    active = set(world.employees.loc[world.employees["active"], "bitrix24_id"])
    assert not active & moved_from(world.plan)


@with_companies
@given(worlds())
def test_r11_an_employee_with_phones_never_gets_phones_sent(world: World) -> None:
    with_phones = world.account.loc[world.account["phone_numbers"] != planning.NO_PHONES, "callgear_id"]
    plan = world.plan
    sent = plan.loc[plan["callgear_id"].isin(with_phones), "after"]
    assert not any("phone_numbers" in factories.fields(text) for text in sent)


@with_companies
@given(worlds())
def test_r01_r02_r03_r13_only_candidates_are_ever_sent(world: World) -> None:
    employees, plan = world.employees, world.plan
    candidate = set(employees.loc[employees["eligibility"] == Eligibility.CANDIDATE, "bitrix24_id"])
    rejected = set(employees.loc[employees["eligibility"] == Eligibility.REJECTED, "bitrix24_id"])
    assert set(plan.loc[plan["action"] != ActionKind.REJECT, "bitrix24_id"]) <= candidate
    assert set(plan.loc[plan["action"] == ActionKind.REJECT, "bitrix24_id"]) == rejected


@with_companies
@given(worlds())
def test_r07_every_user_is_matched_once_and_has_at_most_one_step(world: World) -> None:
    assert sorted(world.matches["bitrix24_id"]) == sorted(world.users["bitrix24_id"])
    assert world.plan["bitrix24_id"].is_unique


@with_companies
@given(worlds(), st.data())
def test_judging_matching_and_planning_do_not_depend_on_the_order_of_anything(
    world: World, data: st.DataObject
) -> None:
    other = replace(
        world,
        users=shuffled(world.users, data),
        account=shuffled(world.account, data),
        links=shuffled(world.links, data),
        pending=shuffled(world.pending, data),
    )
    assert rows(other.employees) == rows(world.employees)
    assert rows(other.matches) == rows(world.matches)
    assert rows(other.plan) == rows(world.plan)


JOINERS = set("\u200c\u200d")
INVISIBLE = "\u200b\u200c\u200d\u00ad\ufeff\u2060\x00\u202e\U000e0041"
TEXTS = st.text(max_size=40) | st.text(
    alphabet=f" \t\u00a0\u2003aA0٣९é@.ßİ\u212a\u0301\u030cJखि্{INVISIBLE}", max_size=20
)


@with_texts
@given(st.lists(st.none() | TEXTS, min_size=1, max_size=30))
def test_r04_r06_normalizing_is_idempotent(texts: list[str | None]) -> None:
    column = pd.Series(texts, dtype="str")
    once = normalization.normalize_names(column)
    assert normalization.normalize_names(once).equals(once)
    email = normalization.normalize_emails(column)
    assert normalization.normalize_emails(email).equals(email)
    assert normalization.email_key(normalization.email_key(column)).equals(normalization.email_key(column))
    named = normalization.callgear_last_name(once, prefix="(bitrix24) ")
    assert normalization.callgear_last_name(named, prefix="(bitrix24) ").equals(named)


@with_texts
@given(st.lists(st.none() | TEXTS, min_size=1, max_size=30))
def test_r04_a_whole_column_is_normalized_as_each_text_alone_would_be(texts: list[str | None]) -> None:
    column = pd.Series(texts, dtype="str")
    names = [None if text is None else normalization.normalize_name(text) or None for text in texts]
    emails = [None if text is None else normalization.normalize_address(text) or None for text in texts]
    keys = [None if text is None else normalization.address_key(text) or None for text in texts]
    assert normalization.normalize_names(column).equals(pd.Series(names, dtype="str"))
    assert normalization.normalize_emails(column).equals(pd.Series(emails, dtype="str"))
    assert normalization.email_key(column).equals(pd.Series(keys, dtype="str"))


@with_texts
@given(TEXTS)
def test_r04_names_and_emails_are_in_nfc_without_control_and_format_characters(one: str) -> None:
    for tidy, kept in ((normalization.normalize_name(one), JOINERS), (normalization.normalize_address(one), set())):
        invisible = {sign for sign in tidy if unicodedata.category(sign) in ("Cc", "Cf") and not sign.isspace()}
        assert unicodedata.is_normalized("NFC", tidy)
        assert invisible <= kept
        assert tidy == tidy.strip()
    decomposed = unicodedata.normalize("NFD", one)
    assert normalization.normalize_name(decomposed) == normalization.normalize_name(one)
    assert normalization.normalize_address(f"{decomposed}\u200b") == normalization.normalize_address(one)


DIALED = st.text(
    alphabet=st.characters(categories=["Nd", "No", "Nl"]) | st.sampled_from("+-() доб.x#,;\n…"), max_size=24
)
SOME_PHONES = DIALED | st.sampled_from(["101, 102", "101 доб. 5", "101...5", "+7 (812) 555-01-01 #40, x5", "1-01"])


@with_texts
@given(st.lists(st.tuples(*[st.none() | SOME_PHONES] * 3), min_size=1, max_size=30), st.sampled_from(PhonesPolicy))
def test_r05_phones_are_3_to_15_ascii_digits_without_duplicates_and_none_gets_lost(
    texts: list[tuple[str | None, ...]], policy: PhonesPolicy
) -> None:
    columns = [pd.Series(column, dtype="str") for column in zip(*texts, strict=True)]
    read = phone_numbers.phone_numbers(columns, policy=policy)
    for written, phones, unusable in zip(texts, read["phones"], read["unusable_phones"], strict=True):
        found = [] if pd.isna(phones) else phones.split(",")
        alone = [value or None for value in phone_numbers.numbers_of_user(written, policy=policy)]
        assert [None if pd.isna(value) else value for value in (phones, unusable)] == alone
        assert len(set(found)) == len(found) <= (1 if policy is PhonesPolicy.FIRST else 10)
        assert all(re.fullmatch(r"[0-9]{3,15}(\.\.\.[0-9]{1,10})?", number) for number in found)
        assert bool(found) or not pd.isna(unusable) or not any(re.search(r"\w", text or "") for text in written)


@with_texts
@given(st.lists(st.none() | SOME_PHONES, min_size=1, max_size=30))
def test_r05_normalizing_phones_is_idempotent(texts: list[str | None]) -> None:
    nothing = pd.Series([None] * len(texts), dtype="str")
    once = phone_numbers.phone_numbers([pd.Series(texts, dtype="str"), nothing, nothing], policy=PhonesPolicy.ALL)
    again = phone_numbers.phone_numbers([once["phones"], nothing, nothing], policy=PhonesPolicy.ALL)
    assert again["phones"].equals(once["phones"])
    assert again["unusable_phones"].isna().all()
