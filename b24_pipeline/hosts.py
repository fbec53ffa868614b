"""Whether an address can be called: a mistyped host fails only on the way out, in each library with its own error."""

import httpx


def has_usable_host(address: str) -> bool:
    """Whether the address's host can be looked up; that it exists is not asked."""
    try:
        url = httpx.URL(address)
        _ = url.host  # decodes IDNA, as every request does
        url.raw_host.decode("ascii").encode("idna")  # as the socket does: no label may be empty or too long
    except (httpx.InvalidURL, UnicodeError):
        return False
    return True
