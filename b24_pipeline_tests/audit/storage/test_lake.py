"""The address of a lake, as libpq reads it."""

import pytest

from b24_pipeline.audit.storage.lake import WAITS, Lake

DATABASE = "postgresql://b24@10.0.0.5:5432/b24_pipeline"
ALL_WAITS = "&".join(f"{name}={value}" for name, value in WAITS.items())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (DATABASE, f"{DATABASE}?{ALL_WAITS}"),
        (f"{DATABASE}?sslmode=require", f"{DATABASE}?sslmode=require&{ALL_WAITS}"),
        (f"{DATABASE}?options=-c%20work_mem=8MB+", f"{DATABASE}?options=-c%20work_mem=8MB+&{ALL_WAITS}"),
        (f"{DATABASE}?{ALL_WAITS}", f"{DATABASE}?{ALL_WAITS}"),
        (
            f"{DATABASE}?connect_timeout=3",
            f"{DATABASE}?connect_timeout=3&{ALL_WAITS.replace('connect_timeout=10&', '')}",
        ),
    ],
)
def test_an_address_stays_as_it_is_set_and_says_how_long_postgres_is_waited_for(url: str, address: str) -> None:
    assert Lake(url, "acme", "unused").address == address
