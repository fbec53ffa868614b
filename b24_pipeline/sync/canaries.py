"""In which order employees are updated while it is not known yet what an update does to an account (contract 5.5)."""

import pandas as pd
from pandera.typing import DataFrame

from b24_pipeline import schemas
from b24_pipeline.callgear.capabilities import UpdateMode
from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import CallGearError
from b24_pipeline.callgear.sip_lines import owners_of_sip_lines
from b24_pipeline.rules.models import Outcome
from b24_pipeline.rules.planning import NO_PHONES


def ordinary_phones_first(
    plan: DataFrame[schemas.Plan],
    *,
    client: CallGear,
    callgear_employees: DataFrame[schemas.CallGearEmployees],
    known: UpdateMode,
) -> DataFrame[schemas.Plan]:
    """The plan with the people last who have SIP numbers: they wait until an update of somebody else has proven safe.

    Costs one request, and only until something is known of the account.
    """
    with_phones = callgear_employees.loc[callgear_employees["phone_numbers"] != NO_PHONES, "callgear_id"]
    updated = plan.loc[plan["outcome"] == Outcome.PLANNED, "callgear_id"].isin(with_phones)
    if known is not UpdateMode.UNKNOWN or updated.sum() < 2:
        return plan
    try:
        holders = owners_of_sip_lines(client)
    except CallGearError:
        return plan
    last = plan["callgear_id"].isin(holders)
    return schemas.check(schemas.Plan, pd.concat([plan[~last], plan[last]], ignore_index=True)) if last.any() else plan
