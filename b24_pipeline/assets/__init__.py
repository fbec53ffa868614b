"""The assets, in the order of the lineage."""
