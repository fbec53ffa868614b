"""Import the employees of a Bitrix24 portal into a CallGear account."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b24_pipeline.embedding import build_definitions

__all__ = ["build_definitions"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load what needs Dagster when it is asked for: `b24-pipeline --help` does not."""
    if name != "build_definitions":
        raise AttributeError(name)
    from b24_pipeline.embedding import build_definitions  # noqa: PLC0415

    return build_definitions
