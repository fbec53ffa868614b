"""The desk as a person uses it: the Dagster UI and the sandbox page in a real browser (`make e2e`)."""
