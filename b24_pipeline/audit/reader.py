"""What can be asked of the audit database, whoever has it open."""

from b24_pipeline.audit.database import Database


class Reader:
    """What can be asked of the database. Methods are safe for threads."""

    def __init__(self, database: Database) -> None:
        self.database = database
