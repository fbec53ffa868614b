"""Normalizing, matching and planning a million users, beside the same joins as one SQL statement."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.rules import eligibility, matching, planning
from b24_pipeline.rules.models import Policy
from b24_pipeline_tests.benchmarks.processes import in_fresh_process
from b24_pipeline_tests.benchmarks.report_rows import Line, at_most

PEOPLE = 1_000_000
ROUNDS = 3
MOST_TIMES, MOST_MEMORY = 4.0, 2.5 * 1024

NAMES = ("Ирина", "Ana", "  José ", "Łukasz", "Олег", "Li", "Mary  Ann", "Zoë", "Ярослав", "Ben")
LAST_NAMES = ("Лебедева", "Costa", "O'Neill", "Ştefan", "Зимин", "Müller", "van der  Berg", "García", "Smith", "Иванов")

PLAN = """
WITH judged AS (
    SELECT bitrix24_id, trim(last_name) AS last_name, trim(first_name) AS first_name, trim(second_name) AS patronymic,
           trim(email) AS email, lower(trim(email)) AS email_key,
           work_phone AS work, personal_mobile AS mobile, personal_phone AS landline,
           active AND user_type = 'employee' AND last_name IS NOT NULL AND email IS NOT NULL AS candidate
    FROM users
), account AS (
    SELECT callgear_id, lower(trim(email)) AS email_key, last_name, phone_numbers,
           count(*) OVER (PARTITION BY lower(trim(email))) AS sharing
    FROM callgear_employees
), matched AS (
    SELECT judged.*, links.callgear_id AS linked_id, by_id.callgear_id AS by_id, account.callgear_id AS by_email,
           account.last_name AS name_now, account.phone_numbers, account.sharing, holder.bitrix24_id AS holder_id,
           row_number() OVER (
               PARTITION BY judged.email_key ORDER BY by_id.callgear_id IS NULL, judged.bitrix24_id
           ) AS nth
    FROM judged
    LEFT JOIN links ON links.bitrix24_id = judged.bitrix24_id
    LEFT JOIN account AS by_id ON by_id.callgear_id = links.callgear_id
    LEFT JOIN account ON account.email_key = judged.email_key AND by_id.callgear_id IS NULL
    LEFT JOIN links AS holder ON holder.callgear_id = account.callgear_id
    WHERE judged.candidate
)
SELECT bitrix24_id, by_email AS callgear_id,
       CASE WHEN nth > 1 OR sharing > 1 OR holder_id IS NOT NULL THEN 'conflict'
            WHEN by_email IS NOT NULL THEN 'link' ELSE 'create' END AS action,
       concat_ws(' ', last_name, first_name) AS display_name,
       to_json({'last_name': name_now}) AS before,
       to_json({
           'email': email, 'first_name': first_name, 'last_name': '(bitrix24) ' || last_name, 'patronymic': patronymic,
           'phone_numbers': string_split(concat_ws(',', work, nullif(mobile, work), landline), ',')
       }) AS after
FROM matched
WHERE by_id IS NULL
"""
"""The joins and the columns of the plan in one statement: nothing cleaned but e-mails, no reasons, no rare cases."""


@dataclass(frozen=True, slots=True)
class Case:
    """Both sides, half of them linked by id."""

    users: DataFrame[schemas.Users]
    callgear_employees: DataFrame[schemas.CallGearEmployees]
    links: DataFrame[schemas.Links]


def case(people: int) -> Case:
    """As many users as employees: a half is linked, three tenths have an employee of their e-mail, the others none."""
    number = np.arange(1, people + 1)
    text = pd.Series(number).astype("str")
    last_names = pick(LAST_NAMES, number // len(NAMES))
    users = typed(
        schemas.Users,
        bitrix24_id=number,
        user_type="employee",
        active=number % 100 != 0,
        first_name=pick(NAMES, number),
        last_name=last_names + text,
        second_name=None,
        email="User." + text + "@Corp.example",
        work_phone=("+7 (495) " + text.str.zfill(7)).where(number % 2 == 0),
        personal_mobile=("8-912-" + text.str.zfill(7)).where(number % 3 == 0),
        personal_phone=None,
        departments="1,4",
    )
    linked = number <= people // 2
    known = linked | (number % 10 < 6)
    employees = typed(
        schemas.CallGearEmployees,
        callgear_id=number + 10_000_000,
        first_name=pick(NAMES, number),
        last_name="(bitrix24) " + last_names + text,
        patronymic=None,
        email=("user." + text + "@corp.example").where(known, "other." + text + "@else.example"),
        phone_numbers=pd.Series("[]", index=text.index).mask(number % 2 == 0, '[{"phone_number":"74950000000"}]'),
    )
    ids = number[linked]
    links = typed(
        schemas.Links,
        bitrix24_id=ids,
        callgear_id=ids + 10_000_000,
        linked_by="create",
        linked_at=pd.Timestamp("2026-01-01", tz="UTC"),
        run_id="run",
        first_name=users["first_name"][linked].to_numpy(),
        last_name=last_names[linked].to_numpy(),
    )
    return Case(users, employees, links)


def pick(words: tuple[str, ...], number: np.ndarray) -> pd.Series:
    """One of the words for each number."""
    return pd.Series(np.array(words, dtype=object)[number % len(words)]).astype("str")


def typed(model: type[schemas.Model], **columns: object) -> DataFrame[schemas.Model]:
    """The columns with the model's types."""
    return schemas.check(model, pd.DataFrame(columns).astype(schemas.dtypes(model).to_dict()))


def ours(given: Case) -> pd.DataFrame:
    """The three rules as a run calls them."""
    policy = Policy()
    judged = eligibility.evaluate_users(given.users, policy=policy)
    matches = matching.match(
        judged,
        callgear_employees=given.callgear_employees,
        links=given.links,
        pending=schemas.empty_frame(schemas.PendingCreates),
    )
    return planning.plan_upsert(judged, matches=matches, callgear_employees=given.callgear_employees, policy=policy)


def one_statement(tables: Mapping[str, pa.Table]) -> pa.Table:
    """The same joins in DuckDB, from Arrow to Arrow, which costs it nothing."""
    with duckdb.connect() as database:
        database.execute("SET enable_progress_bar = false")
        for name, table in tables.items():
            database.register(name, table)
        return database.sql(PLAN).to_arrow_table()


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds of each, and how many of each action it planned."""

    seconds: tuple[float, ...]
    actions: dict[str, int]


def taken_by_ours(people: int, rounds: int) -> Taken:
    """Our rules, several times."""
    given = case(people)
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        plan = ours(given)
        seconds.append(time.perf_counter() - began)
    return Taken(tuple(seconds), counted(plan))


def both(people: int, rounds: int) -> tuple[Taken, Taken]:
    """Ours and the statement by turns."""
    given = case(people)
    tables = {name: pa.Table.from_pandas(getattr(given, name)) for name in Case.__slots__}
    contenders: tuple[Callable[[], pd.DataFrame | pa.Table], ...] = (
        lambda: ours(given),
        lambda: one_statement(tables),
    )
    times: tuple[list[float], list[float]] = ([], [])
    plans = [pd.DataFrame(), pd.DataFrame()]
    for _ in range(rounds):
        for place, contender in enumerate(contenders):
            began = time.perf_counter()
            plan = contender()
            times[place].append(time.perf_counter() - began)
            plans[place] = plan if isinstance(plan, pd.DataFrame) else plan.select(["action"]).to_pandas()
    first, second = (Taken(tuple(taken), counted(plan)) for taken, plan in zip(times, plans, strict=True))
    return first, second


def counted(plan: pd.DataFrame) -> dict[str, int]:
    """How many of each action."""
    actions: dict[str, int] = plan["action"].value_counts().to_dict()
    return actions


def measure(people: int = PEOPLE) -> Iterator[Line]:
    """The time beside the statement's, and the memory of ours alone."""
    (rules, statement), _ = in_fresh_process(both, people, ROUNDS)
    for action in ("create", "link"):
        if rules.actions[action] != statement.actions[action]:
            raise RuntimeError(f"{action}: {rules.actions[action]} planned, {statement.actions[action]} by SQL")
    ratio = sorted(rules.seconds)[ROUNDS // 2] / sorted(statement.seconds)[ROUNDS // 2]
    what = f"{people:,} users, {people:,} employees, half linked: normalize, match, plan"
    yield Line(
        what,
        f"{sorted(rules.seconds)[ROUNDS // 2]:.2f} s",
        against=f"one SQL statement: {sorted(statement.seconds)[ROUNDS // 2]:.2f} s",
        ratio=ratio,
        target=f"ratio ≤ {MOST_TIMES:g}",
        reached=ratio <= MOST_TIMES,
    )
    _, peak = in_fresh_process(taken_by_ours, people, 1)
    yield at_most(f"{what}: peak memory, inputs included", peak, MOST_MEMORY, unit="MiB")
