"""One message a change of the import's state: failed, stale, holding something, records failing, recovered."""
