"""The Bitrix24 client: reads a portal's users through an incoming webhook, and never changes anything."""

from b24_pipeline.bitrix24.client import BatchResponse, Bitrix24
from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    IncompleteFetchError,
    OperationLimit,
    RateLimited,
    RequestError,
    RetryableError,
    ServerError,
    TransportError,
)
from b24_pipeline.bitrix24.health_check import check_bitrix24
from b24_pipeline.bitrix24.lookup import Missing, look_up
from b24_pipeline.bitrix24.polling import Poll, poll_changes
from b24_pipeline.bitrix24.rate_limit import LeakyBucket, portal_bucket
from b24_pipeline.bitrix24.retry import RetryLimits
from b24_pipeline.bitrix24.snapshot_diff import LastSnapshot
from b24_pipeline.bitrix24.users import UserFetch, fetch_users

__all__ = [
    "AccountError",
    "BatchResponse",
    "Bitrix24",
    "Bitrix24Error",
    "IncompleteFetchError",
    "LastSnapshot",
    "LeakyBucket",
    "Missing",
    "OperationLimit",
    "Poll",
    "RateLimited",
    "RequestError",
    "RetryLimits",
    "RetryableError",
    "ServerError",
    "TransportError",
    "UserFetch",
    "check_bitrix24",
    "fetch_users",
    "look_up",
    "poll_changes",
    "portal_bucket",
]
