"""The functional core: the import rules R01-R20 as pure functions over dataframes and small frozen records."""
