"""What the libraries under the client log, over real HTTP: never where a webhook is, which is its secret."""

import logging

import pytest

from b24_pipeline.bitrix24.client import Bitrix24
from b24_pipeline.sandbox import Fault, FaultKind, Sandbox
from b24_pipeline.sandbox.bitrix24.api import SECRET


@pytest.mark.parametrize("logger", ["", "httpx", "httpcore", "httpcore.http11", "httpcore.connection"])
def test_no_redirect_is_logged_with_the_secret_however_much_is_logged(
    client: Bitrix24, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, logger: str
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger=logger)
    sandbox.faults.add(Fault(FaultKind.REDIRECT_302, api="bitrix24", nth=1))
    client.call("profile")
    said = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    assert any("has moved to" in text for text in said)
    assert SECRET not in "".join(said)
