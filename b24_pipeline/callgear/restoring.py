"""Putting back what an update took away, and nothing else (contract 5.5)."""

import logging
from collections.abc import Collection

from b24_pipeline.callgear.client import CallGear
from b24_pipeline.callgear.exceptions import RecordError, RequestError, SipNumberError, UnknownOutcome
from b24_pipeline.callgear.phones import refuse_sip_numbers_of_account
from b24_pipeline.callgear.preserved_fields import as_written, lost_fields, phones, without_phone_ids
from b24_pipeline.callgear.rows import Row
from b24_pipeline.callgear.updating import (
    MAX_ATTEMPTS,
    demands_phones,
    read_for_update,
    update_employee,
    updates_halted,
)

logger = logging.getLogger(__name__)


def restore(client: CallGear, before: Row, after: Row, *, along: Collection[str]) -> Row:
    """Put back what the employee had `before` and has not `after`, and return the employee as it is then.

    Phones are sent only where they went missing or the account demands them, and never SIP numbers: a line that lost
    its number stays lost (T8).

    Args:
        client: the API.
        before: what there was.
        after: what there is.
        along: what every update of this account has to repeat.

    Raises:
        UpdatesHalted: it cannot be put back.
    """
    employee, sent, with_ids = before["id"], set(along), True
    before = {**before, "phone_numbers": phones(before) or phones(after)}
    for attempt in range(1, MAX_ATTEMPTS + 1):
        lost = lost_fields(before, after)
        sent |= lost.keys()
        try:
            _send(client, after, {**as_written(after, sent), **lost}, with_ids=with_ids)
        except UnknownOutcome as error:
            client.pause(attempt, error=error)
        except RequestError:
            with_ids = False
        except RecordError as error:
            if demands_phones(error):
                sent |= {"phone_numbers"}
            else:
                with_ids = False
        after = read_for_update(client, employee)
        if not lost_fields(before, after):
            logger.warning(
                "An update of employee %s in CallGear took away %s; it was put back. Check this person by hand. "
                "From now on updates repeat all phone numbers.",
                employee,
                ", ".join(sorted(sent)),
            )
            return after
    raise updates_halted(f"an update took {', '.join(lost_fields(before, after))} away from employee {employee}")


def _send(client: CallGear, employee: Row, arrays: Row, *, with_ids: bool) -> None:
    entries = arrays.get("phone_numbers")
    if entries is not None:
        try:
            refuse_sip_numbers_of_account(client, employee["id"], entries)
        except SipNumberError:
            raise updates_halted(
                f"an update took {', '.join(arrays)} away from employee {employee['id']}, who has SIP numbers"
            ) from None
        arrays = arrays if with_ids else {**arrays, "phone_numbers": without_phone_ids(entries)}
    update_employee(client, employee["id"], last_name=employee["last_name"], **arrays)
