"""The limits of a run: changes that are held above them (R16), points and time; and how long the audit is kept."""

from b24_pipeline.rules.models import ChangeRisk, SafetyLimit
from b24_pipeline.settings.base import PREFIX, BaseSettings, setting


class LimitSettings(BaseSettings):
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
    day_reserve: float = setting(
        f"{PREFIX}DAY_RESERVE",
        0.10,
        ge=0,
        lt=1,
        example="0.10",
        description="Share of the day's CallGear points reserved for the account's other integrations.",
    )
    run_minutes: float = setting(
        f"{PREFIX}RUN_MINUTES",
        20.0,
        gt=0,
        le=24,
        example="20",
        description="Time limit of a run; the rest is deferred to the next run (the interval is 30 minutes).",
    )
    keep_run_days: int = setting(
        f"{PREFIX}KEEP_RUN_DAYS",
        30,
        ge=1,
        le=3650,
        example="7",
        description="How many days Dagster's own records of the runs are kept: events, check results, logs. With many "
        "connections, keep a few days: one run takes 250 to 500 KiB.",
    )
    keep_days: int = setting(
        f"{PREFIX}KEEP_DAYS",
        400,
        ge=1,
        le=36_500,
        example="400",
        description="How long actions and snapshots are kept. Links never expire.",
    )

    @property
    def limits(self) -> dict[ChangeRisk, SafetyLimit]:
        return {
            ChangeRisk.REMOVAL: SafetyLimit(count=self.limit_removals, share=self.limit_removals_share),
            ChangeRisk.LINK_MOVE: SafetyLimit(count=self.limit_link_moves, share=self.limit_link_moves_share),
            ChangeRisk.EMAIL_LINK: SafetyLimit(count=self.limit_email_links, share=self.limit_email_links_share),
            ChangeRisk.ID_UPDATE: SafetyLimit(count=self.limit_id_updates, share=self.limit_id_updates_share),
            ChangeRisk.CREATE: SafetyLimit(count=self.limit_creates, share=self.limit_creates_share),
        }
