"""Data quality: checks of what was read, evaluated and matched, before the first write."""

from b24_pipeline import schemas
from b24_pipeline.assets.bitrix24 import employees
from b24_pipeline.assets.callgear import employee_matches
from b24_pipeline.audit import check_queries
from b24_pipeline.audit.schema import HISTORIES
from b24_pipeline.checks.base import Finding, asset_check, checks_of, listed
from b24_pipeline.checks.results import report_last_import
from b24_pipeline.reporting.tables import reason
from b24_pipeline.schemas import MAX_PHONE_DIGITS, MIN_PHONE_DIGITS
from b24_pipeline.sync.run import RunContext

FRAMES = (schemas.Users, schemas.Employees, schemas.CallGearEmployees, schemas.Matches)


@asset_check(
    "The tables stored by this run (users, employees, CallGear employees, matches) conform to their schemas: "
    "no duplicates, no missing values in required columns. Invalid tables lead to wrong matches, so a "
    "violation stops the run before anything is written.",
    blocking=True,
)
def schemas_valid(run: RunContext) -> Finding:
    rows, violations = 0, []
    for model in FRAMES:
        count, broken = check_queries.schema_violations(run.store.database, model)
        rows += count
        violations += [
            {"who": f"table {HISTORIES[model]}", "user": None, "why": f"{words} in {number} rows"}
            for words, number in broken.items()
        ]
    return listed(
        violations, good=f"{rows:,} rows, complete and unique", one="schema violation", many="schema violations"
    )


@asset_check(
    "Active employees without a field that CallGear requires: a last name, a valid e-mail, or (on-premise) a "
    "department. They are not imported until the field is filled in Bitrix24 (R02)."
)
def required_fields(run: RunContext) -> Finding:
    rejected = check_queries.violations(run.store.database, "rejected_people")
    people = [{**row, "why": reason(row["why"])} for row in rejected]
    return listed(
        people,
        good="all candidates have the required fields",
        one="person has missing required fields",
        many="people have missing required fields",
    )


@asset_check(
    "Active employees with the same e-mail. CallGear identifies people by e-mail, so only one of them is "
    "imported; the others need an e-mail of their own (R12)."
)
def unique_emails(run: RunContext) -> Finding:
    people = check_queries.violations(run.store.database, "people_with_one_email")
    return listed(
        people,
        good="all candidates have an e-mail of their own",
        one="person shares an e-mail",
        many="people share an e-mail",
    )


@asset_check(
    f"Phone fields of Bitrix24 without a phone number of {MIN_PHONE_DIGITS} to {MAX_PHONE_DIGITS} digits. "
    "The people are imported without these numbers (R05)."
)
def valid_phone_numbers(run: RunContext) -> Finding:
    people = check_queries.violations(run.store.database, "people_with_unusable_phones")
    return listed(
        people,
        good="all phone numbers are valid",
        one="person has invalid phone numbers",
        many="people have invalid phone numbers",
    )


@asset_check(
    "Every user read from Bitrix24 was evaluated, and nobody else. A missing user would look like a leaver, "
    "so a violation stops the run before anything is written.",
    blocking=True,
)
def every_user_evaluated(run: RunContext) -> Finding:
    people = check_queries.violations(run.store.database, "people_judged_not_once")
    return listed(
        people, good="every user was evaluated", one="user missing or unexpected", many="users missing or unexpected"
    )


@asset_check(
    "People with an ambiguous match: several employees have their e-mail, the employee with it belongs to "
    "another user, or the linked employee no longer exists in CallGear (R08, R09). Nothing is guessed."
)
def no_ambiguous_matches(run: RunContext) -> Finding:
    rows = check_queries.violations(run.store.database, "uncertain_links")
    people = [
        {**row, "why": reason(row["why"]) + (f" (user {row['other']})" if row["other"] is not None else "")}
        for row in rows
    ]
    return listed(
        people, good="no match is ambiguous", one="person has an ambiguous match", many="people have ambiguous matches"
    )


@asset_check(
    "No CallGear employee is matched with two Bitrix24 users. They would overwrite each other, so a violation "
    "stops the run before anything is written.",
    blocking=True,
)
def unique_employee_per_user(run: RunContext) -> Finding:
    people = check_queries.violations(run.store.database, "employees_matched_twice")
    return listed(
        people,
        good="no employee is matched with two users",
        one="user shares an employee",
        many="users share an employee",
    )


@asset_check(
    "The candidate and the employee of every match were both read in this run. Anything else would write to an "
    "unknown person, so a violation stops the run before anything is written.",
    blocking=True,
)
def matches_reference_known_people(run: RunContext) -> Finding:
    people = check_queries.violations(run.store.database, "matches_of_strangers")
    return listed(
        people,
        good="all matches reference known people",
        one="match references unknown people",
        many="matches reference unknown people",
    )


employees_checks = checks_of(employees, [every_user_evaluated, required_fields, unique_emails, valid_phone_numbers])

employee_matches_checks = checks_of(
    employee_matches,
    [schemas_valid, unique_employee_per_user, matches_reference_known_people, no_ambiguous_matches],
    afterward=report_last_import,
)
