"""The command line's fixtures, for surroundings that end a command before it has asked anybody."""

from b24_pipeline_tests.cli.conftest import dagster_storage, portal, terminal

__all__ = ["dagster_storage", "portal", "terminal"]
