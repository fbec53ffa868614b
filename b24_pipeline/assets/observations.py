"""Observations of the portal and the account, and the configuration of a run."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pandas as pd

from b24_pipeline import audit
from b24_pipeline.rules.eligibility import PHONES_IN_DIALING_ORDER
from b24_pipeline.settings import Settings
from b24_pipeline.sync.run import RunContext
from b24_pipeline.text import markdown_table, printable


def observation(run: RunContext, asset: str, **metadata: Any) -> dg.AssetObservation:  # noqa: ANN401
    """Return the observation of an asset, under its key in this project."""
    key = dg.AssetKey(asset).with_prefix(run.launch.key_prefix)
    return dg.AssetObservation(key, partition=run.connection.key, metadata=metadata)


def portal_as_read(run: RunContext, users: pd.DataFrame) -> dg.AssetObservation:
    settings = run.connection.settings
    active = int(users["active"].sum())
    return observation(
        run,
        "bitrix24_portal",
        host=run.connection.portal_host,
        edition=settings.bitrix24_edition.value,
        webhook_of_user=webhook_owner(settings, users),
        rights="reads only; for the webhook's scopes and its owner's rights see b24-pipeline check",
        read_at=dg.MetadataValue.timestamp(run.connection.now()),
        users=len(users),
        active=active,
        dismissed=len(users) - active,
        with_email=int(users["email"].notna().sum()),
        with_phones=int(users[[*PHONES_IN_DIALING_ORDER]].notna().any(axis=1).sum()),
    )


def webhook_owner(settings: Settings, users: pd.DataFrame) -> str:
    """Return the id and name of the webhook's owner; the rest of the URL is the secret."""
    owner = int(urlsplit(settings.bitrix24_webhook_url.get_secret_value()).path.split("/")[2])
    named = users.loc[users["bitrix24_id"] == owner, ["last_name", "first_name"]].fillna("")
    names = (printable(" ".join(name).strip()) for name in named.itertuples(index=False))
    return " ".join([str(owner), *(f"({name})" for name in names if name)])


def account_as_read(run: RunContext, employees: pd.DataFrame) -> dg.AssetObservation:
    return observation(
        run,
        "callgear_account",
        **account_identity(run),
        read_at=dg.MetadataValue.timestamp(run.connection.now()),
        employees=len(employees),
        rights="employees were read; for the rights to add and change them see b24-pipeline check",
    )


def account_as_left(run: RunContext, employees: pd.DataFrame) -> dg.AssetObservation:
    """Return the observation of the account after the import, which had these employees before."""
    return observation(
        run,
        "callgear_account_after_import",
        **account_identity(run),
        left_at=dg.MetadataValue.timestamp(run.connection.now()),
        employees=len(employees) + run.outcome.counts.created,
        linked_employees=len(audit.links.live_links(run.store.database)),
    )


def account_identity(run: RunContext) -> dict[str, str]:
    """Return the identity of the account, as far as it is known, and the kind of access."""
    settings, account = run.connection.settings, audit.metadata.account(run.store.database)
    key = "a permanent key" if settings.callgear_access_token else "login and password"
    agent = f", on behalf of user {settings.callgear_user_id}" if settings.callgear_user_id else ""
    return {
        "host": run.connection.callgear_host,
        "app_id": account.app_id or "unknown before the first write",
        **({"name": account.name} if account.name else {}),
        "confirmed": "in this run" if run.outcome.account_confirmed else "by the last run that wrote",
        "access": f"{key}{agent}",
    }


def configuration(run: RunContext) -> dg.MetadataValue:
    """Return the choices of this run, named as the settings and without secrets."""
    settings, policy = run.connection.settings, run.policy
    chosen: dict[str, object] = {
        "edition": policy.edition.value,
        "last_name_prefix": f'"{policy.last_name_prefix}"',
        "phones": policy.phones.value,
        "on_id_match": policy.on_id_match.value,
        "responsible_list": policy.responsible_list.value,
        "include_departments": listed(policy.scope.include_departments, nothing="everybody"),
        "exclude_departments": listed(policy.scope.exclude_departments, nothing="none"),
        "exclude_users": listed(policy.scope.exclude_users, nothing="none"),
        "exclude_emails": listed(policy.scope.exclude_emails, nothing="none"),
        **{
            f"limit: {risk.value}": f"held when more than {limit.count} and more than {limit.share:.0%} of the people"
            " imported"
            for risk, limit in policy.limits.items()
        },
        "schedule": f"{run.launch.cron or 'none'} (UTC), and within a minute of a change in Bitrix24",
        "run_minutes": f"{settings.run_minutes:g}",
        "day_reserve": f"{settings.day_reserve:.0%} of the day's CallGear points",
        "keep_days": settings.keep_days,
    }
    rows = [{"choice": name, "value": value} for name, value in chosen.items()]
    return dg.MetadataValue.md(markdown_table(rows, columns=("choice", "value"), most=len(rows)))


def listed(values: Iterable[int | str], *, nothing: str) -> str:
    return ", ".join(map(str, sorted(values))) or nothing
