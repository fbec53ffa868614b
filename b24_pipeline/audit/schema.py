"""The tables of the database, each declared once: most columns follow from the frames, the figures from `RunCounts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from b24_pipeline import schemas
from b24_pipeline.audit.runs import COUNTS
from b24_pipeline.audit.storage.column_types import sql_columns
from b24_pipeline.audit.storage.queries import statement

Columns = Mapping[str, str]

HISTORIES: Mapping[type[schemas.Frame], str] = MappingProxyType(
    {
        schemas.Users: "bitrix24_users",
        schemas.Employees: "employees",
        schemas.CallGearEmployees: "callgear_employees",
        schemas.Matches: "employee_matches",
        schemas.ResponsibleEmployees: "responsible_employees",
    }
)
"""The frames whose changes are kept, and the table of each."""

# A row is valid from the run `valid_from_run`, begun at `valid_from`, to the run `valid_to_run`, begun at `valid_to`,
# which found it changed or gone. The times are stored because runs are deleted after a while, and rows stay.
_SPAN = {"valid_from_run": "BIGINT", "valid_from": "TIMESTAMPTZ", "valid_to_run": "BIGINT", "valid_to": "TIMESTAMPTZ"}

_LINKS = {name: kind for name, kind in sql_columns(schemas.Links).items() if name not in ("first_name", "last_name")}

_RUNS = {
    "run_id": "VARCHAR",
    "number": "BIGINT",
    "started_at": "TIMESTAMPTZ",
    "finished_at": "TIMESTAMPTZ",
    "status": "VARCHAR",
    "trigger": "VARCHAR",
    "kind": "VARCHAR",
    "dry_run": "BOOLEAN",
    "reason": "VARCHAR",
    "only_users": "VARCHAR",
    "policy": "VARCHAR",
} | dict.fromkeys(COUNTS, "BIGINT")


FORMER_SPAN = {
    "from_run": "valid_from_run",
    "from_at": "valid_from",
    "until_run": "valid_to_run",
    "until_at": "valid_to",
}
_FORMER_ACTIONS = {"person": "display_name", "harm": "risk"}
FORMER: Mapping[str, Columns] = MappingProxyType(
    {
        "runs": {"left_alone": "unchanged", "waiting": "backing_off"},
        "employees": {"standing": "eligibility"},
        "employee_matches": {"match": "match_type"},
        "responsible_employees": {"standing": "employment_status"},
        "events": _FORMER_ACTIONS,
        "open_actions": _FORMER_ACTIONS,
    }
)
"""The columns that had another name up to layout 3, by that name; the views still show it."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The statements that turn a database of the version before into one of `version`, beyond missing tables."""

    version: int
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """One version of the database.

    Attributes:
        version: rises with every change of tables, columns, views or macros.
        tables: the tables of the schema `store`.
        histories: those of them that keep changes, with the columns shown to people.
        upgrades: the steps from older versions, oldest first.
    """

    version: int
    tables: Mapping[str, Columns]
    histories: Mapping[str, tuple[str, ...]]
    upgrades: tuple[Upgrade, ...] = ()


_SPANNED = (*HISTORIES.values(), "links", "standing_actions")
_TIMES_OF_ENDS = Upgrade(
    2,
    tuple(
        statement(name, **identifiers, table=table)
        for table in _SPANNED
        for name, identifiers in (("add_column", {"column": "until_at TIMESTAMPTZ"}), ("fill_until_at", {}))
    ),
)

_KINDS_AND_EXEMPTIONS = Upgrade(
    3,
    (
        statement("add_column", table="events", column="exemption VARCHAR"),
        statement("exempt_unrecorded_events"),
        statement("add_column", table="runs", column="kind VARCHAR"),
        statement("fill_run_kind"),
    ),
)

_IDENTITIES = Upgrade(3, (statement("create_identities"),))

_STANDARD_NAMES = Upgrade(
    4,
    (
        statement("rename_trigger"),
        statement("rename_table", table="recorded", name="run_steps"),
        statement("rename_table", table="standing_actions", name="open_actions"),
        *(
            statement("rename_column", table=table, column=f'"{old}"', name=new)
            for tables, renamed in (
                *(((table,), renamed) for table, renamed in FORMER.items()),
                ((*HISTORIES.values(), "links", "open_actions"), FORMER_SPAN),
            )
            for table in tables
            for old, new in renamed.items()
        ),
    ),
)

LAYOUT = Layout(
    version=4,
    upgrades=(_TIMES_OF_ENDS, _KINDS_AND_EXEMPTIONS, _IDENTITIES, _STANDARD_NAMES),
    tables={
        "schema_version": {"version": "BIGINT", "at": "TIMESTAMPTZ"},
        "facts": {"name": "VARCHAR", "value": "VARCHAR"},
        "runs": _RUNS,
        **{table: {**sql_columns(model), **_SPAN} for model, table in HISTORIES.items()},
        "links": {**_LINKS, **_SPAN, "end_reason": "VARCHAR", "ended_by": "VARCHAR", "end_comment": "VARCHAR"},
        "identities": sql_columns(schemas.Identities),
        "pending_creates": sql_columns(schemas.PendingCreates),
        "duplicate_employees": sql_columns(schemas.DuplicateEmployees),
        "unfinished_links": sql_columns(schemas.UnfinishedLinks),
        "events": {"run": "BIGINT", **sql_columns(schemas.Actions)},
        "open_actions": {"step": "VARCHAR", **sql_columns(schemas.Actions), **_SPAN},
        "run_steps": {"run": "BIGINT", "what": "VARCHAR"},
        "dead_letters": sql_columns(schemas.DeadLetters),
        "approvals": {
            "run_id": "VARCHAR",
            "bitrix24_id": "BIGINT",
            "approved_at": "TIMESTAMPTZ",
            "approved_by": "VARCHAR",
            "comment": "VARCHAR",
            "used_by_run": "BIGINT",
        },
    },
    histories={
        **{table: tuple(sql_columns(model)) for model, table in HISTORIES.items()},
        "links": tuple(_LINKS),
    },
)
