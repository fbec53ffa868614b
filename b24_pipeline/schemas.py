"""Every frame of the import, declared once: checks, DuckDB tables, the UI's column panel and the docs derive from here.

Conventions: ids are `Int64`, texts are `str` with NaN for "no value" (never an empty text), flags are `bool`, instants
are `datetime64[us, UTC]`. `key` in a column's metadata marks what identifies a row, `personal` what is personal data.
Frames are checked at three borders: what a client has parsed, what a rule returns, what is read from the store. The
index means nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar, cast

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.dtypes import DataType, immutable
from pandera.engines import numpy_engine, pandas_engine
from pandera.typing import DataFrame

Instant = Annotated[pd.DatetimeTZDtype, "us", "UTC"]
Model = TypeVar("Model", bound="Frame")
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 3, 15
"""The number of digits of a phone number without its extension; texts read it here."""
MAX_PHONES = 10
"""The most numbers of a CallGear employee (contract 5.2)."""


pandas_engine.Engine.register_dtype(numpy_engine.Bool, equivalents=[np.dtype("bool")])
"""Of a type that it does not know by this name pandera asks geopandas, and looks for that on the disk each time."""


@pandas_engine.Engine.register_dtype
@immutable(init=True)
class Text(pandas_engine.STRING):
    """Pandas' text type with NaN for "no value", known by its type: pandera's own also looks at every value again."""

    def check(self, pandera_dtype: DataType, data_container: Any = None) -> bool:  # noqa: ANN401, ARG002
        """Return whether a column is of this type, as every column is that was cast."""
        return bool(getattr(pandera_dtype, "type", None) == self.type)


def kind_of_column(**options: Any) -> Callable[[str], Any]:  # noqa: ANN401 - pandera types a field as anything
    """A kind of column, which is declared with its description."""
    return lambda description: pa.Field(description=description, **options)


column = kind_of_column(coerce=True)
"""Always has a value."""
key_column = kind_of_column(coerce=True, unique=True, metadata={"key": True})
bool_column = kind_of_column()
"""Yes or no. Never cast: "no value" would become a no, and any text a yes."""
optional_column = kind_of_column(coerce=True, nullable=True)
personal_column = kind_of_column(coerce=True, nullable=True, metadata={"personal": True})


class Frame(pa.DataFrameModel):
    """The base of all frames: exactly the declared columns, in their order."""

    class Config:
        """Checked by pandera at every border."""

        strict = True
        ordered = True


class Users(Frame):
    """Bitrix24 users as received, of every type, active and dismissed (asset `bitrix24_users`): one row a user."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    user_type: Text = optional_column("USER_TYPE: employee, extranet, email ...")
    active: bool = bool_column("ACTIVE: false once the user is dismissed")
    first_name: Text = personal_column("NAME as received")
    last_name: Text = personal_column("LAST_NAME as received")
    second_name: Text = personal_column("SECOND_NAME as received: the patronymic")
    email: Text = personal_column("EMAIL as received")
    work_phone: Text = personal_column("WORK_PHONE as received")
    personal_mobile: Text = personal_column("PERSONAL_MOBILE as received")
    personal_phone: Text = personal_column("PERSONAL_PHONE as received")
    departments: Text = optional_column("UF_DEPARTMENT: department ids, comma-separated")


class Employees(Frame):
    """Users judged and normalized: candidates, and the others with the reason (asset `employees`)."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    eligibility: Text = column("candidate, rejected, out_of_scope, dismissed or not_employee (R01-R03, R13)")
    reason: Text = optional_column("Why a candidate is rejected (R02)")
    active: bool = bool_column("False once the user is dismissed (R13)")
    first_name: Text = personal_column("First name, normalized (R04)")
    last_name: Text = personal_column("Last name, normalized (R04)")
    callgear_last_name: Text = personal_column("The last name it has in CallGear: with the prefix (R06)")
    patronymic: Text = personal_column("Patronymic, normalized (R04)")
    email: Text = personal_column("E-mail as it is sent: normalized (R04)")
    email_key: Text = personal_column("E-mail as it is compared: normalized, in lower case (R04)")
    phones: Text = personal_column(
        "Phone numbers in dialing order, comma-separated: digits, or digits...extension (R05)"
    )
    unusable_phones: Text = personal_column(
        f"Phone texts left out, separated by bars: not {MIN_PHONE_DIGITS} to {MAX_PHONE_DIGITS} digits, or beyond"
        f" {MAX_PHONES} numbers (R05)"
    )


class CallGearEmployees(Frame):
    """The employees of the CallGear account: one row an employee (asset `callgear_employees`)."""

    callgear_id: pd.Int64Dtype = key_column("The employee's id in CallGear")
    first_name: Text = personal_column("First name")
    last_name: Text = personal_column("Last name")
    patronymic: Text = personal_column("Patronymic")
    email: Text = personal_column("E-mail")
    phone_numbers: Text = personal_column('Phone entries as received (JSON array, in dialing order); "[]" for none')


class Links(Frame):
    """The stored links: one row a Bitrix24 user that was imported."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    callgear_id: pd.Int64Dtype = column("The employee's id in CallGear")
    linked_by: Text = column("create, email, rehire, approval: what made the link")
    linked_at: Instant = column("When the link was stored")
    run_id: Text = column("The run that stored it")
    first_name: Text = personal_column("The user's last known first name in Bitrix24, for R09 when the user is gone")
    last_name: Text = personal_column("The user's last known last name in Bitrix24, for R09 when the user is gone")


class Identities(Frame):
    """The person whom each live link was accepted for: one row a linked user (R07a)."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    first_name: Text = personal_column("The first name that was accepted last (R04)")
    last_name: Text = personal_column("The last name that was accepted last (R04)")
    email: Text = personal_column("The e-mail that was accepted last (R04)")
    deleted: bool = bool_column("Whether the user was confirmed deleted and has not come back (R13)")
    changed: bool = bool_column("Whether the id now shows another person, so that the link is not followed (R07a)")


class PendingCreates(Frame):
    """Creates that were announced and whose outcome is not known (R18): one row a user."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    email: Text = personal_column("The e-mail that was or may have been sent")
    run_id: Text = column("The run that announced it")


class UnfinishedLinks(Frame):
    """Links by e-mail whose employee has not got its last name or phones yet (R09a): one row a user."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    callgear_id: pd.Int64Dtype = column("The linked employee's id in CallGear")
    run_id: Text = column("The run that stored the link")


class DuplicateEmployees(Frame):
    """Employees with one e-mail, of which one was created by us (R16b): one row a pair."""

    bitrix24_id: pd.Int64Dtype = column("The user's id in Bitrix24")
    callgear_id: pd.Int64Dtype = column("The employee that was created for the user")
    other_callgear_id: pd.Int64Dtype = column("The other employee with the same e-mail")
    found_at: Instant = column("When it was found out")
    run_id: Text = column("The run that found it out")
    resolved_at: Instant = optional_column("When a person said that it is settled; no employee is created before")
    resolved_by: Text = optional_column("Who said so: the operating system's user")


class Matches(Frame):
    """How every user was matched with an employee (asset `employee_matches`): one row a user."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    callgear_id: pd.Int64Dtype = optional_column("The matched employee's id in CallGear")
    match_type: Text = column("by_id, by_email, none, conflict, or the eligibility of a user that is no candidate")
    reason: Text = optional_column("Reason code: stale_link, rehired, identity_changed, missing_email ...")
    other_bitrix24_id: pd.Int64Dtype = optional_column("The user that has the e-mail or the link instead (R09, R12)")


class Actions(Frame):
    """What is planned or was done, one row a person and action (assets `callgear_upsert`, `responsible_employees`)."""

    bitrix24_id: pd.Int64Dtype = column("The user's id in Bitrix24")
    callgear_id: pd.Int64Dtype = optional_column("The employee's id in CallGear")
    action: Text = column(
        "create, link, update, reject, conflict, remove_responsible, list_responsible, rename_responsible"
    )
    reason: Text = optional_column("Reason code")
    risk: Text = optional_column(
        "The kind a safety limit watches (R16): removal, link_move, email_link, id_update, create"
    )
    exemption: Text = optional_column(
        "Why the safety limit does not count it (R16): approved, first_import, rebuilding_links, not_recorded"
    )
    display_name: Text = personal_column("Display name: last and first name in Bitrix24")
    before: Text = personal_column("Old values (JSON object)")
    after: Text = personal_column("New values (JSON object)")
    outcome: Text = column("planned, done, failed, deferred, held, waiting, rejected, conflict, skipped")
    error: Text = optional_column("Error message")
    at: Instant = optional_column("When it was carried out or decided")


class ResponsibleEmployees(Frame):
    """Who of the imported people is on the responsible list, as last known: one row a user (R13-R15)."""

    bitrix24_id: pd.Int64Dtype = key_column("The user's id in Bitrix24")
    employment_status: Text = column("active, dismissed or deleted")
    listed: bool = bool_column("Whether the user is on CallGear's responsible list")
    name: Text = personal_column("The name on the list")


class DeadLetters(Frame):
    """Actions that failed and are tried again at growing distance (R14, R18): one row a user and action."""

    bitrix24_id: pd.Int64Dtype = column("The user's id in Bitrix24")
    action: Text = column("The action that failed")
    attempts: pd.Int64Dtype = column("Consecutive failures")
    first_failed_at: Instant = column("When it failed first")
    last_failed_at: Instant = column("When it failed last")
    next_try_at: Instant = column("Not tried again before")
    error: Text = column("Last error message")
    after: Text = personal_column("What was to be sent; when this changes, it is tried at once")


def column_names(model: type[Frame]) -> list[str]:
    """The model's columns, in their order."""
    return list(dtypes(model).index)


@cache
def dtypes(model: type[Frame]) -> pd.Series:
    """The model's columns, in their order, and their types in pandas."""
    return pd.Series({name: declared.dtype.type for name, declared in model.to_schema().columns.items()})


def check(model: type[Model], frame: pd.DataFrame) -> DataFrame[Model]:
    """Cast `frame` to the model's types and order, check it, and number its rows from 0.

    Raises:
        pandera.errors.SchemaError: a column is missing, of another type, empty where it may not be, or holds a value
            twice where it identifies the row.
        pandera.errors.SchemaErrors: a column is unknown or cannot be cast.
    """
    if set(frame.columns) == set(column_names(model)):
        frame = frame[column_names(model)]
        if frame.empty:
            return empty_frame(model)
    frame = frame.reset_index(drop=True)
    if list(frame.dtypes) == list(dtypes(model)):
        return cast("DataFrame[Model]", _without_casting(model).validate(frame))
    return model.validate(frame)


@cache
def _without_casting(model: type[Frame]) -> pa.DataFrameSchema:
    """The same checks for a frame that has the types already: to cast it again takes longer than to check it."""
    schema = model.to_schema()
    return schema.update_columns({name: {"coerce": False} for name in schema.columns})


def empty_frame(model: type[Model]) -> DataFrame[Model]:
    """The frame without rows."""
    return cast("DataFrame[Model]", _without_rows(model).copy())


@cache
def _without_rows(model: type[Frame]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.array([], dtype=dtype) for name, dtype in dtypes(model).items()})


def concat(model: type[Model], *parts: DataFrame[Model]) -> DataFrame[Model]:
    """The rows of all parts, one after the other; each part is such a frame already."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame(model)


def from_records(model: type[Model], rows: Sequence[Mapping[Any, Any]]) -> DataFrame[Model]:
    """The frame of `rows`; a column that no row names is empty."""
    return check(model, pd.DataFrame(rows, columns=column_names(model))) if rows else empty_frame(model)
