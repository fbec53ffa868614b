"""The audit database as it is read, whoever has it open."""

from b24_pipeline.audit.storage.database import Database


class Reader:
    """An open database to ask with the functions of this package; a `Store` is one that can also be written."""

    def __init__(self, database: Database) -> None:
        self.database = database
