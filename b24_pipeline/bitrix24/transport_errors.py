"""What a fault on the way to the portal is to a caller: whether repeating may help, and what it is in words."""

import httpx

from b24_pipeline.bitrix24.exceptions import AccountError, Bitrix24Error, IncompleteFetchError, TransportError
from b24_pipeline.http import ProxyRefused, ResponseRefused
from b24_pipeline.transport_errors import describe_error


def transport_error(method: str, error: Exception, *, timeout: httpx.Timeout) -> Bitrix24Error:
    """Return the error of a call that got no answer; `timeout` is what the exchange was given."""
    text = f"{method}: {describe_error(error, system='the portal', timeout=timeout)}"
    if isinstance(error, ResponseRefused):
        return IncompleteFetchError(f"{text}: check what answers at BITRIX24_WEBHOOK_URL")
    if isinstance(error, ProxyRefused):
        return AccountError(text)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return AccountError(f"{method}: BITRIX24_WEBHOOK_URL is not an address that can be called")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return AccountError(
            f"{method}: the portal's TLS certificate is not trusted here: give the CA bundle of a private authority"
        )
    return TransportError(text)
