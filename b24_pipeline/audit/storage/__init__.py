"""Where the audit lies: a DuckDB file or a lake, its locks, and how statements reach it. It knows no table."""
