"""One running desk and one browser for all tests of a file: each file is a story, told in its order."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from b24_pipeline_tests.e2e import desk as running
from b24_pipeline_tests.e2e import ui_actions
from b24_pipeline_tests.e2e.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running.running_desk(tmp_path_factory.mktemp("desk")) as started:
        yield started


@pytest.fixture(scope="module")
def page(desk: Desk) -> Iterator[Page]:  # noqa: ARG001 - the desk is up first
    with ui_actions.browser() as browser:
        yield browser.new_page(viewport=ui_actions.VIEW)
