"""The Bitrix24 client: reads a portal's users through an incoming webhook, and never changes anything."""

from b24_pipeline.bitrix24.client import BatchAnswer, Bitrix24
from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    FetchNotTrusted,
    OperationLimit,
    OursError,
    RateLimited,
    RetryableError,
    ServerFault,
    TransportFault,
)
from b24_pipeline.bitrix24.health_check import Bitrix24Check, check_bitrix24
from b24_pipeline.bitrix24.lookup import Missing, look_up
from b24_pipeline.bitrix24.polling import Poll, poll_changes
from b24_pipeline.bitrix24.rate_limit import LeakyBucket, portal_bucket
from b24_pipeline.bitrix24.retry import RetryLimits
from b24_pipeline.bitrix24.snapshot_diff import KnownUsers
from b24_pipeline.bitrix24.users import UserFetch, fetch_users

__all__ = [
    "AccountError",
    "BatchAnswer",
    "Bitrix24",
    "Bitrix24Check",
    "Bitrix24Error",
    "FetchNotTrusted",
    "KnownUsers",
    "LeakyBucket",
    "Missing",
    "OperationLimit",
    "OursError",
    "Poll",
    "RateLimited",
    "RetryLimits",
    "RetryableError",
    "ServerFault",
    "TransportFault",
    "UserFetch",
    "check_bitrix24",
    "fetch_users",
    "look_up",
    "poll_changes",
    "portal_bucket",
]
