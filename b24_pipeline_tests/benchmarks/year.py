"""A year of runs in the audit store: 48 a day, 10,000 people, of whom one in five hundred changes a day."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import audit, schemas
from b24_pipeline.audit import LinkWritten, Paths, RunCounts, RunStart, Store, history
from b24_pipeline.audit.actions import Step
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.audit.storage.column_types import from_arrow, to_arrow
from b24_pipeline.reporting import timeline
from b24_pipeline.rules import eligibility
from b24_pipeline.rules.models import ActionKind, MatchKind, Outcome, Policy, RunStatus, Trigger
from b24_pipeline_tests.benchmarks.processes import MIB, in_fresh_process
from b24_pipeline_tests.benchmarks.report_rows import Line, at_most
from b24_pipeline_tests.clock import HALF_AN_HOUR, Clock

PEOPLE = 10_000
RUNS_A_DAY = 48
DAYS = 365
CHANGES_A_DAY = 20
FIRST_RUN = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLED = 48
"""So many runs are timed on a store of one day, and as many on the store of the year."""
REPEATED = 5
"""So often is done what is asked of a store; the median counts."""

MOST_AS_OF, MOST_EXPLAIN = 0.5, 1.0
NO_GROWTH = 1.25
"""What is taken for noise when the end of the year is compared with its beginning."""


NOBODY_LEFT = schemas.empty_frame(schemas.ResponsibleEmployees)


@dataclass(slots=True)
class World:
    """What the runs see; `step` lets one person change."""

    users: DataFrame[schemas.Users]
    employees: DataFrame[schemas.Employees] = field(init=False)
    callgear_employees: DataFrame[schemas.CallGearEmployees] = field(init=False)
    matches: DataFrame[schemas.Matches] = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        """Everybody is linked already."""
        self.employees = eligibility.evaluate_users(self.users, policy=Policy())
        ids = self.users["bitrix24_id"]
        self.callgear_employees = of_columns(
            schemas.CallGearEmployees,
            callgear_id=ids + 700_000,
            last_name=self.employees["callgear_last_name"],
            email=self.users["email"],
            phone_numbers='[{"phone_id": 1, "phone_number": "74950000000", "channels_count": 1, "dial_time": 60}]',
        )
        self.matches = of_columns(
            schemas.Matches, bitrix24_id=ids, callgear_id=ids + 700_000, match_type=MatchKind.BY_ID.value
        )

    def step(self) -> int | None:
        """Two of three times a phone changes; else somebody is hired, whose id is given, and somebody is gone."""
        self.steps += 1
        if self.steps % 3:
            place = self.steps * 7919 % len(self.users)
            phone = f"7495{self.steps:07}"
            self.users = with_cell(self.users, place, work_phone=phone)
            self.employees = with_cell(self.employees, place, phones=phone)
            return None
        hired = int(self.users["bitrix24_id"].iloc[-1]) + 1
        now = World(people(hired, hired))
        self.users = without_the_first(schemas.Users, self.users, now.users)
        self.employees = without_the_first(schemas.Employees, self.employees, now.employees)
        self.callgear_employees = without_the_first(
            schemas.CallGearEmployees, self.callgear_employees, now.callgear_employees
        )
        self.matches = without_the_first(schemas.Matches, self.matches, now.matches)
        return hired

    def frames(self) -> dict[type[schemas.Frame], DataFrame[schemas.Frame]]:
        """What a run records of it."""
        return {
            schemas.Users: self.users,
            schemas.Employees: self.employees,
            schemas.CallGearEmployees: self.callgear_employees,
            schemas.Matches: self.matches,
            schemas.ResponsibleEmployees: NOBODY_LEFT,
        }


def without_the_first(
    model: type[schemas.Model], frame: DataFrame[schemas.Model], added: DataFrame[schemas.Model]
) -> DataFrame[schemas.Model]:
    """A new frame without the first row and with other rows at its end.

    In one piece, as a fetch gives it: pieces that are only put in a row, thousands in the end, slow whoever reads them.
    """
    rows = pd.concat([frame[1:], added], ignore_index=True)
    return from_arrow(model, to_arrow(model, rows).combine_chunks())


def with_cell(frame: DataFrame[schemas.Model], place: int, **cell: str) -> DataFrame[schemas.Model]:
    """A new frame in which one cell is another."""
    changed = frame.copy()
    for name, value in cell.items():
        changed.loc[place, name] = value
    return changed


def people(first: int, last: int) -> DataFrame[schemas.Users]:
    """The users with these ids."""
    ids = pd.Series(range(first, last + 1))
    text = ids.astype("str")
    return of_columns(
        schemas.Users,
        bitrix24_id=ids,
        user_type="employee",
        active=True,
        first_name="Ирина",
        last_name="Лебедева" + text,
        email="user" + text + "@corp.example",
        work_phone="+7 (495) " + text.str.zfill(7),
        departments="1,4",
    )


def of_columns(model: type[schemas.Model], **columns: object) -> DataFrame[schemas.Model]:
    """The columns with the model's types; those not named are empty."""
    return schemas.check(
        model, pd.DataFrame(columns, columns=schemas.column_names(model)).astype(schemas.dtypes(model).to_dict())
    )


@dataclass(slots=True)
class Recorder:
    """Records runs half an hour apart, as the import does."""

    store: Store
    world: World
    clock: Clock
    runs: int = 0
    hired: list[int] = field(default_factory=list)

    def run(self, *, changes: int) -> float:
        """One run, after so many changes, with all that an import asks and records; gives the store's seconds."""
        self.change(changes)
        began = time.perf_counter()
        store = self.store
        audit.links.live_links(store.database)
        audit.runs.first_import(store.database)
        self.begin()
        for model, frame in self.world.frames().items():
            store.record_snapshot(model, frame)
        for step in Step:
            store.record_open_actions(step, schemas.empty_frame(schemas.Actions))
        self.remember_hired()
        audit.actions.put_dead_letters(store.database, schemas.empty_frame(schemas.DeadLetters))
        self.finish()
        return time.perf_counter() - began

    def run_in_short(self, *, changes: int) -> None:
        """As `run`, but what has not changed is only noted, and all is stored at once: the same rows, in less time."""
        before = self.world.frames()
        self.change(changes)
        self.begin()
        with self.store.database.transaction():
            for model, frame in self.world.frames().items():
                if frame is before[model]:
                    self.note(HISTORIES[model])
                else:
                    self.store.record_snapshot(model, frame)
            for step in Step:
                self.note(step)
            self.remember_hired()
            self.finish()

    def pass_runs(self, changes: Iterable[int]) -> None:
        """Many runs in short, published once a day: a log that nobody folds in slows each further run."""
        for run, count in enumerate(changes, start=1):
            self.run_in_short(changes=count)
            if run % RUNS_A_DAY == 0:
                self.store.publish()

    def change(self, changes: int) -> None:
        """Let so many people change, and half an hour pass."""
        self.hired = [person for person in (self.world.step() for _ in range(changes)) if person is not None]
        self.clock.advance(HALF_AN_HOUR)
        self.runs += 1

    def begin(self) -> None:
        """Begin the run."""
        self.store.begin_run(RunStart(f"run-{self.runs}", self.clock.now(), Trigger.SCHEDULE, policy="{}"))

    def note(self, what: str) -> None:
        """What is recorded again just as it was."""
        history.note_recorded(self.store.database, self.store.run, what)

    def remember_hired(self) -> None:
        """The links and the actions of those hired."""
        if self.hired:
            with self.store.database.transaction():
                self.store.put_links([LinkWritten(person, person + 700_000, "create") for person in self.hired])
                self.store.record_events(created(self.hired, at=self.clock.now()))

    def finish(self) -> None:
        """End the run."""
        users = len(self.world.users)
        self.store.finish_run(RunStatus.DONE, None, RunCounts(users=users, matched_by_id=users))


def created(ids: list[int], *, at: datetime) -> DataFrame[schemas.Actions]:
    """What a run did for the people it created."""
    return schemas.from_records(
        schemas.Actions,
        [
            {
                "bitrix24_id": number,
                "callgear_id": number + 700_000,
                "action": ActionKind.CREATE.value,
                "display_name": f"Лебедева{number} Ирина",
                "after": '{"email": "user@corp.example", "last_name": "(bitrix24) Лебедева"}',
                "outcome": Outcome.DONE.value,
                "at": at,
            }
            for number in ids
        ],
    )


@dataclass(frozen=True, slots=True)
class Year:
    """What was measured: seconds, and the size of the file (MiB)."""

    runs: int
    run_at_first: float
    run_at_last: float
    publish_at_first: float
    publish_at_last: float
    size_at_first: float
    size_at_last: float
    as_of: float
    explain: float


def a_year(days: int) -> Year:
    """Record so many days, and ask about them.

    What is compared is timed in turns, the year beside a store of one day: a machine that is slow for a while is so
    for both.
    """
    with (
        TemporaryDirectory() as folder,
        recording(Path(folder, "day")) as young,
        recording(Path(folder, "year")) as old,
    ):
        changes = changes_of_runs(days * RUNS_A_DAY)
        young.pass_runs(changes[:SAMPLED])
        old.pass_runs(changes[:-SAMPLED])
        runs = [(young.run(changes=count), old.run(changes=count)) for count in changes[-SAMPLED:]]
        publishings = [(timed(young.store.publish), timed(old.store.publish)) for _ in range(REPEATED)]
        with Store.reader(old.store.paths, now=old.clock.now) as database:
            middle = FIRST_RUN + timedelta(days=days / 2)
            return Year(
                runs=old.runs,
                run_at_first=median(first for first, _ in runs),
                run_at_last=median(last for _, last in runs),
                publish_at_first=median(first for first, _ in publishings),
                publish_at_last=median(last for _, last in publishings),
                size_at_first=size_of(young.store.paths),
                size_at_last=size_of(old.store.paths),
                as_of=median(
                    timed(lambda: audit.history.snapshot(database, schemas.Users, as_of=middle))
                    for _ in range(REPEATED)
                ),
                explain=median(timed(lambda: timeline.explain(database, "7919")) for _ in range(REPEATED)),
            )


@contextmanager
def recording(folder: Path) -> Iterator[Recorder]:
    """A store in that folder in which one run has seen everybody."""
    folder.mkdir()
    clock = Clock(FIRST_RUN.timestamp())
    with Store.open(Paths(folder / "b24_pipeline.duckdb"), now=clock.now) as store:
        recorder = Recorder(store, World(people(1, PEOPLE)), clock)
        recorder.run(changes=0)
        yield recorder


def timed(action: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def changes_of_runs(runs: int) -> list[int]:
    """How many people change before each run, evenly spread."""
    so_far = [number * CHANGES_A_DAY // RUNS_A_DAY for number in range(runs + 1)]
    return [after - before for before, after in pairwise(so_far)]


def size_of(paths: Paths) -> float:
    """The working file's size in MiB."""
    return paths.working.stat().st_size / MIB


def measure(days: int = DAYS) -> Iterator[Line]:
    """The year, in a process of its own."""
    year, _ = in_fresh_process(a_year, days)
    what = f"{year.runs:,} runs of {PEOPLE:,} people"
    growth = year.run_at_last / year.run_at_first
    yield Line(
        f"{what}: one more run in the store",
        f"{year.run_at_last * 1000:.0f} ms at the end",
        against=f"{year.run_at_first * 1000:.0f} ms after a day",
        ratio=growth,
        target=f"no growth (ratio ≤ {NO_GROWTH:g})",
        reached=growth <= NO_GROWTH,
    )
    yield Line(
        f"{what}: publishing",
        f"{year.publish_at_last * 1000:.0f} ms at the end",
        against=f"{year.publish_at_first * 1000:.0f} ms after a day",
        ratio=year.publish_at_last / year.publish_at_first,
    )
    yield Line(
        f"{what}: the file", f"{year.size_at_last:.1f} MiB at the end", f"{year.size_at_first:.1f} MiB after a day"
    )
    yield at_most(f"{what}: users as of the middle of the year", year.as_of, MOST_AS_OF, unit="s", digits=3)
    yield at_most(f"{what}: explain one person", year.explain, MOST_EXPLAIN, unit="s", digits=3)
