"""The limits of a run: changes that are held above them (R16), points and time; and how long the audit is kept."""

from typing import Any

from b24_pipeline.rules.models import DEFAULT_LIMITS, ChangeRisk, SafetyLimit
from b24_pipeline.settings.base import BaseSettings, setting


def count_limit(risk: ChangeRisk, *, description: str) -> Any:  # noqa: ANN401 - as `setting`
    default = DEFAULT_LIMITS[risk].count
    return setting(default, ge=0, example=str(default), description=f"R16: {description}, count.")


def share_limit(risk: ChangeRisk) -> Any:  # noqa: ANN401
    """Declare the share that belongs to a count; a limit is exceeded when both are."""
    default = DEFAULT_LIMITS[risk].share
    return setting(default, ge=0, le=1, example=f"{default:.2f}", description="R16: the same as a share of all.")


class LimitSettings(BaseSettings):
    limit_removals: int = count_limit(ChangeRisk.REMOVAL, description="removals from the responsible list")
    limit_removals_share: float = share_limit(ChangeRisk.REMOVAL)
    limit_link_moves: int = count_limit(ChangeRisk.LINK_MOVE, description="links moved to another person")
    limit_link_moves_share: float = share_limit(ChangeRisk.LINK_MOVE)
    limit_email_links: int = count_limit(
        ChangeRisk.EMAIL_LINK, description="existing employees changed by e-mail linking"
    )
    limit_email_links_share: float = share_limit(ChangeRisk.EMAIL_LINK)
    limit_id_updates: int = count_limit(
        ChangeRisk.ID_UPDATE, description="existing employees changed because they are matched by id"
    )
    limit_id_updates_share: float = share_limit(ChangeRisk.ID_UPDATE)
    limit_creates: int = count_limit(ChangeRisk.CREATE, description="employees created")
    limit_creates_share: float = share_limit(ChangeRisk.CREATE)
    day_reserve: float = setting(
        0.10,
        ge=0,
        lt=1,
        example="0.10",
        description="Share of the day's CallGear points reserved for the account's other integrations.",
    )
    run_minutes: float = setting(
        20.0,
        gt=0,
        le=24,
        example="20",
        description="Time limit of a run; the rest is deferred to the next run (the interval is 30 minutes).",
    )
    keep_run_days: int = setting(
        30,
        ge=1,
        le=3650,
        example="7",
        description="How many days Dagster's own records of the runs are kept: events, check results, logs. With many "
        "connections, keep a few days: one run takes 230 to 530 KiB.",
    )
    keep_days: int = setting(
        400, ge=1, le=36_500, example="400", description="How long actions and snapshots are kept. Links never expire."
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
