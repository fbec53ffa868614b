"""HTTP as both clients and the alerts use it: one deadline per exchange, proxies, bounded bodies, no secret echoed."""

from b24_pipeline.http.exceptions import ProxyFailed, ProxyRefused, ResponseRefused, describe_error
from b24_pipeline.http.foreign_responses import asks_for_login, cleaned, describe_sender, without_tags
from b24_pipeline.http.proxies import InvalidProxyError, Proxies, has_usable_host
from b24_pipeline.http.redaction import Secrets, redact_personal_data
from b24_pipeline.http.transport import SendGuard, Transport

__all__ = [
    "InvalidProxyError",
    "Proxies",
    "ProxyFailed",
    "ProxyRefused",
    "ResponseRefused",
    "Secrets",
    "SendGuard",
    "Transport",
    "asks_for_login",
    "cleaned",
    "describe_error",
    "describe_sender",
    "has_usable_host",
    "redact_personal_data",
    "without_tags",
]
