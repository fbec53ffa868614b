"""Every setting of one connection, declared once: variable, default, check, example, meaning."""

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from b24_pipeline.rules.email_patterns import can_match
from b24_pipeline.rules.models import (
    Edition,
    Harm,
    OnIdMatch,
    PhonesPolicy,
    Policy,
    ResponsibleListPolicy,
    SafetyLimit,
    Scope,
)
from b24_pipeline.settings.alerts import AlertSettings
from b24_pipeline.settings.base import PREFIX, IntegerList, TextList, check_scheme, is_blank, setting, split_url
from b24_pipeline.settings.departments import DepartmentIds, DepartmentList


class Settings(AlertSettings):
    """The settings of one portal-account pair."""

    bitrix24_webhook_url: SecretStr = setting(
        "BITRIX24_WEBHOOK_URL",
        example="https://company.bitrix24.com/rest/1/abcdefgh12345678/",
        description="The portal's inbound webhook, with the scopes `user` and `department`. The whole URL is a secret.",
    )
    bitrix24_edition: Edition = setting(
        "BITRIX24_EDITION",
        Edition.CLOUD,
        example="on_premise",
        description="`cloud` or `on_premise`; on-premise portals require a department of each employee (R02).",
    )
    callgear_api_url: str = setting(
        "CALLGEAR_API_URL",
        "https://dataapi.callgear.com/v2.0",
        example="https://dataapi.callgear.com/v2.0",
        description="The address of the CallGear Data API.",
    )
    callgear_access_token: SecretStr | None = setting(
        "CALLGEAR_ACCESS_TOKEN",
        None,
        example="x9k2m4p6q8r0",
        description="A permanent Data API key of CallGear (preferred to login and password).",
    )
    callgear_login: str | None = setting(
        "CALLGEAR_LOGIN", None, example="api@company.com", description="Login, where there is no key."
    )
    callgear_password: SecretStr | None = setting(
        "CALLGEAR_PASSWORD",
        None,
        example="a long password",
        description="Password, where there is no key.",
        validate_default=True,
    )
    callgear_user_id: int | None = setting(
        "CALLGEAR_USER_ID",
        None,
        example="10234",
        description="Only for agents: the client's user on whose behalf to call.",
    )

    last_name_prefix: str = setting(
        f"{PREFIX}LAST_NAME_PREFIX",
        "(bitrix24) ",
        example='"(bitrix24) "',
        description="What CallGear last names begin with (R06). Quote it in `.env`: the blank at the end counts.",
    )
    phones: PhonesPolicy = setting(
        f"{PREFIX}PHONES",
        PhonesPolicy.ALL,
        example="first",
        description="`all` phone numbers in dialling order, or only the `first` (R05).",
    )
    on_id_match: OnIdMatch = setting(
        f"{PREFIX}ON_ID_MATCH",
        OnIdMatch.NOTHING,
        example="fill_phones",
        description="What is done to an employee matched by id: `nothing`, `fill_phones` or `refresh` (R07).",
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
        description="Only users of these and lower departments are looked at (R03); `=17` is 17 alone. Empty: all.",
    )
    exclude_departments: DepartmentList = setting(
        f"{PREFIX}EXCLUDE_DEPARTMENTS",
        DepartmentIds(),
        example="99",
        description="Users of these and lower departments are left alone (R03); `=99` is 99 alone.",
    )
    exclude_users: IntegerList = setting(
        f"{PREFIX}EXCLUDE_USERS",
        frozenset(),
        example="1,358",
        description="These Bitrix24 user ids are left alone (R03).",
    )
    exclude_emails: TextList = setting(
        f"{PREFIX}EXCLUDE_EMAILS",
        (),
        example="*@partner.example,test-*@*",
        description="Users whose e-mail fits one of these glob patterns are left alone (R03).",
    )

    limit_removals: int = setting(
        f"{PREFIX}LIMIT_REMOVALS", 3, ge=0, example="3", description="R16: removals from the responsible list, count."
    )
    limit_removals_share: float = setting(
        f"{PREFIX}LIMIT_REMOVALS_SHARE", 0.05, ge=0, le=1, example="0.05", description="R16: the same as a share."
    )
    limit_link_moves: int = setting(
        f"{PREFIX}LIMIT_LINK_MOVES", 3, ge=0, example="3", description="R16: links moved to another person, count."
    )
    limit_link_moves_share: float = setting(
        f"{PREFIX}LIMIT_LINK_MOVES_SHARE",
        0.05,
        ge=0,
        le=1,
        example="0.05",
        description="R16: the same as a share of all.",
    )
    limit_email_links: int = setting(
        f"{PREFIX}LIMIT_EMAIL_LINKS",
        20,
        ge=0,
        example="20",
        description="R16: existing employees changed by e-mail linking, count.",
    )
    limit_email_links_share: float = setting(
        f"{PREFIX}LIMIT_EMAIL_LINKS_SHARE",
        0.25,
        ge=0,
        le=1,
        example="0.25",
        description="R16: the same as a share of all.",
    )
    limit_id_updates: int = setting(
        f"{PREFIX}LIMIT_ID_UPDATES",
        20,
        ge=0,
        example="20",
        description="R16: existing employees changed because they are matched by id, count.",
    )
    limit_id_updates_share: float = setting(
        f"{PREFIX}LIMIT_ID_UPDATES_SHARE",
        0.25,
        ge=0,
        le=1,
        example="0.25",
        description="R16: the same as a share of all.",
    )
    limit_creates: int = setting(
        f"{PREFIX}LIMIT_CREATES", 10, ge=0, example="10", description="R16: employees created, count."
    )
    limit_creates_share: float = setting(
        f"{PREFIX}LIMIT_CREATES_SHARE", 0.10, ge=0, le=1, example="0.10", description="R16: the same as a share of all."
    )

    http_timeout_seconds: float = setting(
        f"{PREFIX}HTTP_TIMEOUT_SECONDS",
        65.0,
        gt=0,
        le=3600,
        example="65",
        description="How long a whole exchange may take: connecting, sending, and every byte of the answer.",
    )
    max_response_mib: int = setting(
        f"{PREFIX}MAX_RESPONSE_MIB",
        64,
        ge=1,
        le=1024,
        example="64",
        description="The largest answer that is taken, in MiB after decoding. A larger one is refused, not repeated.",
    )
    callgear_in_flight: int = setting(
        f"{PREFIX}CALLGEAR_IN_FLIGHT", 8, ge=1, le=64, example="8", description="CallGear requests in flight at most."
    )
    day_reserve: float = setting(
        f"{PREFIX}DAY_RESERVE",
        0.10,
        ge=0,
        lt=1,
        example="0.10",
        description="The share of the day's CallGear points that is left to the account's other integrations.",
    )
    run_minutes: float = setting(
        f"{PREFIX}RUN_MINUTES",
        20.0,
        gt=0,
        le=24,
        example="20",
        description="What is not done within this time is deferred to the next run (the interval is 30 minutes).",
    )
    keep_days: int = setting(
        f"{PREFIX}KEEP_DAYS",
        400,
        ge=1,
        le=36_500,
        example="400",
        description="How long actions and snapshots are kept. Links stay.",
    )

    @field_validator("exclude_emails")
    @classmethod
    def are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Each fits some address, else it leaves nobody out."""
        if not all(map(can_match, value)):
            raise ValueError("holds a pattern that fits no address: all at a company is *@company.com")
        return value

    @field_validator("callgear_access_token", "callgear_login", "callgear_password", "callgear_user_id", mode="before")
    @classmethod
    def empty_is_absent(cls, value: object) -> object:
        """An empty line in `.env` is the same as none."""
        return None if is_blank(value) else value

    @field_validator("bitrix24_webhook_url", mode="before")
    @classmethod
    def empty_is_missing(cls, value: object) -> object:
        """The empty line of a fresh copy of `.env.example`."""
        if is_blank(value):
            raise PydanticCustomError("missing", "is missing")
        return value

    @field_validator("bitrix24_webhook_url")
    @classmethod
    def is_webhook(cls, value: SecretStr) -> SecretStr:
        """The form https://{host}/rest/{user_id}/{code}/ (contract 1.1); plain http for loopback only."""
        url = split_url(value.get_secret_value())
        segments = [segment for segment in url.path.split("/") if segment]
        if len(segments) != 3 or segments[0] != "rest" or not segments[1].isdigit():
            raise ValueError("is not the address of an inbound webhook")
        check_scheme(url)
        return SecretStr(f"{url.scheme}://{url.netloc}/{'/'.join(segments)}/")

    @field_validator("callgear_api_url")
    @classmethod
    def is_https(cls, value: str) -> str:
        """Plain http is accepted for loopback only."""
        url = split_url(value)
        check_scheme(url)
        return url.geturl()

    @field_validator("callgear_password")
    @classmethod
    def has_credentials(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """A key, or login and password; said beside whatever else is missing."""
        key, login = (info.data.get(name, "bad") for name in ("callgear_access_token", "callgear_login"))
        if key is None and (login is None or value is None):
            raise PydanticCustomError(
                "no_credentials",
                "CALLGEAR_ACCESS_TOKEN: is missing (or CALLGEAR_LOGIN and CALLGEAR_PASSWORD). "
                "Example: CALLGEAR_ACCESS_TOKEN=x9k2m4p6q8r0",
            )
        return value

    @property
    def policy(self) -> Policy:
        """The choices of the rules."""
        return Policy(
            edition=self.bitrix24_edition,
            last_name_prefix=self.last_name_prefix,
            phones=self.phones,
            on_id_match=self.on_id_match,
            responsible_list=self.responsible_list,
            scope=Scope(
                include_departments=self.include_departments,
                exclude_departments=self.exclude_departments,
                exclude_users=self.exclude_users,
                exclude_emails=self.exclude_emails,
            ),
            limits={
                Harm.REMOVAL: SafetyLimit(count=self.limit_removals, share=self.limit_removals_share),
                Harm.LINK_MOVE: SafetyLimit(count=self.limit_link_moves, share=self.limit_link_moves_share),
                Harm.EMAIL_LINK: SafetyLimit(count=self.limit_email_links, share=self.limit_email_links_share),
                Harm.ID_UPDATE: SafetyLimit(count=self.limit_id_updates, share=self.limit_id_updates_share),
                Harm.CREATE: SafetyLimit(count=self.limit_creates, share=self.limit_creates_share),
            },
        )
