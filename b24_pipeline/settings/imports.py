"""What is imported: names, phones, matches, the responsible list, and which users are in scope."""

from pydantic import field_validator

from b24_pipeline.rules.email_patterns import can_match
from b24_pipeline.rules.models import IdMatchPolicy, PhonesPolicy, ResponsibleListPolicy, Scope
from b24_pipeline.settings.base import PREFIX, BaseSettings, IntegerList, TextList, setting
from b24_pipeline.settings.departments import DepartmentIds, DepartmentList


class ImportSettings(BaseSettings):
    last_name_prefix: str = setting(
        f"{PREFIX}LAST_NAME_PREFIX",
        "(bitrix24) ",
        example='"(bitrix24) "',
        description="Prefix of CallGear last names (R06). Quote it in `.env`: the blank at the end counts.",
    )
    phones: PhonesPolicy = setting(
        f"{PREFIX}PHONES",
        PhonesPolicy.ALL,
        example="first",
        description="`all` phone numbers in dialing order, or only the `first` (R05).",
    )
    on_id_match: IdMatchPolicy = setting(
        f"{PREFIX}ON_ID_MATCH",
        IdMatchPolicy.NOTHING,
        example="fill_phones",
        description="What to do with an employee matched by id: `nothing`, `fill_phones` or `refresh` (R07).",
    )
    responsible_list: ResponsibleListPolicy = setting(
        f"{PREFIX}RESPONSIBLE_LIST",
        ResponsibleListPolicy.REMOVE,
        example="mirror",
        description="`remove` leavers from the responsible list, `mirror` active people too, or `off` (R14, R15).",
    )
    include_departments: DepartmentList = setting(
        f"{PREFIX}INCLUDE_DEPARTMENTS",
        DepartmentIds(),
        example="4,=17",
        description="Only users of these and lower departments are in scope (R03); `=17` is 17 alone. Empty: all.",
    )
    exclude_departments: DepartmentList = setting(
        f"{PREFIX}EXCLUDE_DEPARTMENTS",
        DepartmentIds(),
        example="99",
        description="Users of these and lower departments are excluded (R03); `=99` is 99 alone.",
    )
    exclude_users: IntegerList = setting(
        f"{PREFIX}EXCLUDE_USERS",
        frozenset(),
        example="1,358",
        description="These Bitrix24 user ids are excluded (R03).",
    )
    exclude_emails: TextList = setting(
        f"{PREFIX}EXCLUDE_EMAILS",
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
