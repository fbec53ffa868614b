"""The webhook's address, and the redirects that are followed (contract 1.1, 1.6)."""

import pytest

from b24_pipeline.bitrix24.exceptions import AccountError
from b24_pipeline.bitrix24.webhook import WebhookAddress

URL = "https://old.bitrix24.com/rest/1/abcd1234abcd1234/"

FOLLOWED = [
    ("https://new.bitrix24.com/rest/1/abcd1234abcd1234/batch", "https://new.bitrix24.com/rest/1/abcd1234abcd1234/"),
    ("https://NEW.bitrix24.com/rest/1/abcd1234abcd1234/batch/", "https://NEW.bitrix24.com/rest/1/abcd1234abcd1234/"),
    ("/other/rest/1/abcd1234abcd1234/batch", "https://old.bitrix24.com/other/rest/1/abcd1234abcd1234/"),
    ("https://old.bitrix24.com:8443/rest/1/x/batch", "https://old.bitrix24.com:8443/rest/1/x/"),
]
NOT_FOLLOWED = [
    ("http://new.bitrix24.com/rest/1/x/batch", "from https to another kind of address"),
    ("https://user:pass@new.bitrix24.com/rest/1/x/batch", "another kind of address"),
    ("https://new.bitrix24.de/rest/1/x/batch", "the host new.bitrix24.de, outside its own domain"),
    ("https://bitrix24.com/rest/1/x/batch", "the host bitrix24.com, outside"),
    ("https://evil.test/rest/1/x/batch", "the host evil.test, outside"),
    ("https://new.bitrix24.com.evil.test/rest/1/x/batch", "outside its own domain"),
    ("https://evilbitrix24.com/rest/1/x/batch", "outside its own domain"),
    ("https://new.bitrix24.com/auth/", "a URL that is not a webhook"),
    ("https://new.bitrix24.com/rest/1/x/scope", "a URL that is not a webhook"),
    ("https://[bad/batch", "a URL that is not a webhook"),
    ("https://new.bitrix24.com:99999/batch", "a URL that is not a webhook"),
    ("https://xn--0.bitrix24.com/rest/1/x/batch", "a URL that is not a webhook"),
    ("https://new\u200b.bitrix24.com/rest/1/x/batch", "a URL that is not a webhook"),
    (f"https://{'a' * 64}.bitrix24.com/rest/1/x/batch", "a URL that is not a webhook"),
    ("javascript:alert(1)/batch", "a URL that is not a webhook"),
]


@pytest.mark.parametrize("given", [URL, URL.rstrip("/"), f"  {URL}\n"])
def test_a_webhook_may_be_given_with_or_without_its_last_slash(given: str) -> None:
    assert WebhookAddress.of(given).url("batch") == f"{URL}batch"


@pytest.mark.parametrize(
    "given", ["", "abcd1234abcd1234", "ftp://x.test/rest/1/abcd1234abcd1234/", "https://", "https://[x"]
)
def test_what_is_no_address_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(AccountError, match="BITRIX24_WEBHOOK_URL is not a webhook URL") as raised:
        WebhookAddress.of(given)
    assert "abcd1234abcd1234" not in str(raised.value)


def test_only_the_host_is_shown() -> None:
    assert repr(WebhookAddress.of(URL)) == "WebhookAddress(scheme='https', host='old.bitrix24.com', port=443)"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://new.bitrix24.com/rest/1/x/batch", "new.bitrix24.com"),
        ("https://old.bitrix24.com:8443/rest/1/x/batch", "old.bitrix24.com:8443"),
        ("https://new.bitrix24.com:8443/rest/1/x/batch", "new.bitrix24.com:8443"),
        ("https://OLD.bitrix24.com:443/rest/1/x/batch", None),
        ("/other/rest/1/x/batch", None),
    ],
)
def test_a_move_to_another_host_or_port_is_told(location: str, told: str | None) -> None:
    address = WebhookAddress.of(URL)
    assert address.follow_redirect("batch", location).changed_host(address) == told


@pytest.mark.parametrize(("location", "root"), FOLLOWED)
def test_a_renamed_portal_is_followed(location: str, root: str) -> None:
    assert WebhookAddress.of(URL).follow_redirect("batch", location).root == root


@pytest.mark.parametrize(("location", "why"), NOT_FOLLOWED)
def test_no_redirect_leads_elsewhere(location: str, why: str) -> None:
    with pytest.raises(AccountError, match=why):
        WebhookAddress.of(URL).follow_redirect("batch", location)


@pytest.mark.parametrize(
    ("host", "new_host", "followed"),
    [
        ("portal.company.test", "portal.company.test", True),
        ("portal.company.test", "b24.company.test", False),
        ("portal.co.uk", "evil.co.uk", False),
        ("old.bitrix24.com.br", "new.bitrix24.com.br", True),
        ("old.bitrix24.com.br", "new.bitrix24.com", False),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "127.0.0.2", False),
    ],
)
def test_outside_the_cloud_only_the_host_itself_is_trusted(host: str, new_host: str, followed: bool) -> None:
    address = WebhookAddress.of(f"https://{host}/rest/1/x/")
    if followed:
        assert address.follow_redirect("batch", f"https://{new_host}/rest/1/x/batch").host == new_host
    else:
        with pytest.raises(AccountError, match="outside its own domain"):
            address.follow_redirect("batch", f"https://{new_host}/rest/1/x/batch")
