"""One run of the import: its lock, its steps, and carrying out a plan. Knows the rules and the clients, not Dagster."""
