"""The partitions of the assets: one for each connection, where there is a folder of them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import dagster as dg

NAME = "connection"
CONNECTION = dg.DynamicPartitionsDefinition(name=NAME)
TAG = "dagster/partition"
"""The tag with the key of a run's partition; every run of a partition has it, whatever starts it."""
PRIORITY_TAG = "dagster/priority"
URGENT, LATER = "1", "-1"
"""A change in a portal goes before the round of all connections, which takes minutes (R17)."""


def key_of(run: dg.DagsterRun) -> str | None:
    """Return the connection of a run; nothing where there is one connection, or for a run of no partition."""
    return run.tags.get(TAG)


def update_partitions(instance: dg.DagsterInstance, keys: AbstractSet[str]) -> None:
    """Let the partitions be those of the folder: its files come and go while everything runs."""
    known = set(instance.get_dynamic_partitions(NAME))
    if added := sorted(keys - known):
        instance.add_dynamic_partitions(NAME, added)
    for removed in known - keys:
        instance.delete_dynamic_partition(NAME, removed)


def partitioned(assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """Return the assets with a partition for each connection.

    Without freshness policies: Dagster looks at the newest partition only, so one connection alone would look fresh.
    """
    return dg.map_asset_specs(
        lambda spec: spec.replace_attributes(partitions_def=CONNECTION, freshness_policy=None), assets
    )
