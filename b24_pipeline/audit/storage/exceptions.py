"""Errors of the audit database; every message is one line: what, where, what to do."""

# ruff: noqa: N818 - the names say what is the case, and messages begin with them


class StoreError(Exception):
    """The audit store cannot do what was asked; the text is for people."""


class DatabaseForeign(StoreError):
    """A DuckDB file that this project did not make: it is left alone."""


class DatabaseOfAnotherConnection(StoreError):
    """The database remembers another portal or account: links must never mix."""


class DatabaseTooNew(StoreError):
    """Written by a newer version of this project or of DuckDB."""


class DatabaseMisnamed(StoreError):
    """The file's name would hide the schemas in it."""


class DatabaseMissing(StoreError):
    """There is no database to read yet."""


class DatabaseBusy(StoreError):
    """Another process holds the working file."""


class DatabaseCorrupt(StoreError):
    """The file is not a DuckDB file, or a damaged one."""


class DatabaseNotWritable(StoreError):
    """The folder, the file or the disk does not take what must be written."""


class DatabaseNotReadable(StoreError):
    """The file belongs to somebody else, who lets us not read it."""


class PublishedFileMounted(StoreError):
    """The published file is mounted singly, so it cannot be replaced as a whole."""


class NotUploaded(StoreError):
    """The copy of the published file in an object store cannot be replaced; the file itself is."""


class LocksNotSupported(StoreError):
    """The folder of the database takes no locks."""


class LakeNotUsable(StoreError):
    """The lake's Postgres cannot be reached, or its packages are missing."""


class LockLost(StoreError):
    """This run's lock is not its own any more: it writes nothing more."""


class UnknownRun(StoreError):
    """No run has that id, or none had started at that time."""


class RunNotBegun(StoreError):
    """Something of a run is to be recorded, but this store has begun none; or the run was begun before."""


class NotApprovable(StoreError):
    """The run holds nothing that may be approved (any more)."""


class ExportFailed(StoreError):
    """The audit cannot be written to the given address."""


class NotLinked(StoreError):
    """A link is to be ended that is not there."""


class UpdateUnchecked(StoreError):
    """The last update may have taken phone numbers away, which the next run puts back."""


class UnknownPerson(StoreError):
    """Nobody with that id or e-mail address is known."""


class AmbiguousPerson(StoreError):
    """Several people have or had that e-mail address."""
