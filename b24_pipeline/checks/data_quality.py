"""The checks of what was read, judged and matched: all of them before the first write."""

from b24_pipeline import schemas
from b24_pipeline.assets.bitrix24 import POOL, employees
from b24_pipeline.assets.callgear import employee_matches
from b24_pipeline.audit import check_queries
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.checks.base import Check, Verdict, checks_of, listed
from b24_pipeline.reporting.tables import reason
from b24_pipeline.rules.phone_numbers import LONGEST_PHONE, SHORTEST_PHONE
from b24_pipeline.sync.run import ImportRun

FRAMES = (schemas.Users, schemas.Employees, schemas.CallGearEmployees, schemas.Matches)


def tables_are_sound(run: ImportRun) -> Verdict:
    """The stored frames keep to their declarations."""
    rows, offenders = 0, []
    for model in FRAMES:
        count, broken = check_queries.breaches(run.store, model)
        rows += count
        offenders += [
            {"who": f"table {HISTORIES[model]}", "user": None, "why": f"{words} in {number} rows"}
            for words, number in broken.items()
        ]
    return listed(offenders, good=f"{rows:,} rows, each complete and there once", bad="{} rules are broken")


def required_fields(run: ImportRun) -> Verdict:
    """R02."""
    people = [{**row, "why": reason(row["why"])} for row in check_queries.offenders(run.store, "rejected_people")]
    return listed(people, good="every candidate has what CallGear needs", bad="{} people lack something")


def one_email_each(run: ImportRun) -> Verdict:
    """R12."""
    people = check_queries.offenders(run.store, "people_with_one_email")
    return listed(people, good="every candidate has an e-mail of their own", bad="{} people share an e-mail")


def usable_phones(run: ImportRun) -> Verdict:
    """R05."""
    people = check_queries.offenders(run.store, "people_with_unusable_phones")
    return listed(people, good="every phone text is a phone number", bad="{} people have phone texts that are none")


def everybody_is_judged_once(run: ImportRun) -> Verdict:
    """Nobody is lost between reading and judging."""
    people = check_queries.offenders(run.store, "people_judged_not_once")
    return listed(people, good="everybody who was read was judged", bad="{} users were lost or made up")


def certain_links(run: ImportRun) -> Verdict:
    """R08, R09."""
    rows = check_queries.offenders(run.store, "uncertain_links")
    people = [
        {**row, "why": reason(row["why"]) + (f" (user {row['other']})" if row["other"] is not None else "")}
        for row in rows
    ]
    return listed(people, good="every match is certain", bad="{} people cannot be matched with certainty")


def one_user_an_employee(run: ImportRun) -> Verdict:
    """R09: an employee is linked to one user."""
    people = check_queries.offenders(run.store, "employees_matched_twice")
    return listed(people, good="no employee is matched with two users", bad="{} users share an employee")


def known_people_only(run: ImportRun) -> Verdict:
    """A match is made of a candidate and an employee that were both read in this run."""
    people = check_queries.offenders(run.store, "matches_of_strangers")
    return listed(people, good="both sides of every match were read", bad="{} matches name somebody unknown")


employees_checks = checks_of(
    employees,
    [
        Check(
            "everybody_is_judged_once",
            "Every user that was read from Bitrix24 was judged, and nobody else. Somebody who is lost here would look "
            "like a leaver, so this stops the run before anything is written.",
            everybody_is_judged_once,
            guards=True,
        ),
        Check(
            "required_fields",
            "Active employees that CallGear cannot take: no last name, no e-mail or none that is an address, or (on-"
            "premise) no department. They are not imported until somebody fills the field in Bitrix24 (R02).",
            required_fields,
        ),
        Check(
            "one_email_each",
            "Active employees with the same e-mail. CallGear knows people by e-mail, so only one of them is imported; "
            "the others wait for an e-mail of their own (R12).",
            one_email_each,
        ),
        Check(
            "usable_phones",
            f"Phone fields of Bitrix24 whose text is no phone number of {SHORTEST_PHONE} to {LONGEST_PHONE} digits. "
            "The people are imported without these numbers (R05).",
            usable_phones,
        ),
    ],
    pool=POOL,
)

employee_matches_checks = checks_of(
    employee_matches,
    [
        Check(
            "tables_are_sound",
            "The tables that this run has stored (users, employees, CallGear employees, matches) keep to their column "
            "schemas: no row is there twice, nothing is empty that must be there. A broken table would make wrong "
            "matches, so this stops the run before anything is written.",
            tables_are_sound,
            guards=True,
        ),
        Check(
            "one_user_an_employee",
            "No CallGear employee is matched with two Bitrix24 users. Two people in one account would overwrite each "
            "other, so this stops the run before anything is written.",
            one_user_an_employee,
            guards=True,
        ),
        Check(
            "known_people_only",
            "Every match is made of a candidate of Bitrix24 and an employee of CallGear that were both read in this "
            "run. Anything else would write to somebody unknown, so this stops the run before anything is written.",
            known_people_only,
            guards=True,
        ),
        Check(
            "certain_links",
            "People who cannot be matched with certainty: several employees have their e-mail, the employee with it "
            "belongs to somebody else, or the linked employee is gone from CallGear (R08, R09). Nothing is guessed.",
            certain_links,
        ),
    ],
    pool=POOL,
)
