"""What is imported: names, phones, matches, the responsible list, and which users are in scope."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Annotated, Self

from pydantic import PlainValidator, field_validator
from pydantic_settings import NoDecode

from b24_pipeline.rules.email_patterns import can_match
from b24_pipeline.rules.models import IdMatchPolicy, PhonesPolicy, ResponsibleListPolicy, Scope
from b24_pipeline.settings.base import BaseSettings, IntegerList, TextList, parts, setting, whole_number

ALONE = "="
"""Precedes the id of a department that is meant without its sub-departments."""


class DepartmentIds(frozenset[int]):
    """Departments that a setting names; those in `alone` are meant without their sub-departments."""

    alone: frozenset[int]

    def __new__(cls, with_those_below: Iterable[int] = (), *, alone: AbstractSet[int] = frozenset()) -> Self:
        whole = frozenset(with_those_below)
        self = super().__new__(cls, whole | alone)
        self.alone = frozenset(alone - whole)
        return self

    @property
    def with_those_below(self) -> frozenset[int]:
        """The departments that include their sub-departments."""
        return self - self.alone


def departments(value: object) -> DepartmentIds:
    """Read a comma-separated list of department ids; `=` marks one without its sub-departments."""
    named = parts(value) if isinstance(value, str) else []
    return DepartmentIds(
        (whole_number(part) for part in named if not part.startswith(ALONE)),
        alone={whole_number(part.removeprefix(ALONE).strip()) for part in named if part.startswith(ALONE)},
    )


DepartmentList = Annotated[DepartmentIds, NoDecode, PlainValidator(departments)]


class ImportSettings(BaseSettings):
    last_name_prefix: str = setting(
        "(bitrix24) ",
        example='"(bitrix24) "',
        description="Prefix of CallGear last names (R06). Quote it in `.env`: the blank at the end counts.",
    )
    phones: PhonesPolicy = setting(
        PhonesPolicy.ALL,
        example="first",
        description="`all` phone numbers in dialing order, or only the `first` (R05).",
    )
    on_id_match: IdMatchPolicy = setting(
        IdMatchPolicy.NOTHING,
        example="fill_phones",
        description="What to do with an employee matched by id: `nothing`, `fill_phones` or `refresh` (R07).",
    )
    responsible_list: ResponsibleListPolicy = setting(
        ResponsibleListPolicy.REMOVE,
        example="mirror",
        description="`remove` leavers from the responsible list, `mirror` active people too, or `off` (R14, R15).",
    )
    include_departments: DepartmentList = setting(
        DepartmentIds(),
        example="4,=17",
        description="Only users of these and lower departments are in scope (R03); `=17` is 17 alone. Empty: all.",
    )
    exclude_departments: DepartmentList = setting(
        DepartmentIds(),
        example="99",
        description="Users of these and lower departments are excluded (R03); `=99` is 99 alone.",
    )
    exclude_users: IntegerList = setting(
        frozenset(), example="1,358", description="These Bitrix24 user ids are excluded (R03)."
    )
    exclude_emails: TextList = setting(
        (),
        example="*@partner.example,test-*@*",
        description="Users whose e-mail matches one of these glob patterns are excluded (R03).",
    )

    @field_validator("exclude_emails")
    @classmethod
    def are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(can_match, value)):
            raise ValueError("has a pattern that matches no address; everybody at a company is *@company.com")
        return value

    @property
    def scope(self) -> Scope:
        return Scope(
            include_departments=self.include_departments,
            exclude_departments=self.exclude_departments,
            exclude_users=self.exclude_users,
            exclude_emails=self.exclude_emails,
        )
