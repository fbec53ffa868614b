"""The lock of a connection between machines: Postgres frees it when the process or its machine dies (R17).

It is held on a direct connection that is used every few seconds. A owner that has not done so for half a minute is
frozen or cut off: the next run ends its connection and takes the lock. The old one finds that out before it writes.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from b24_pipeline.audit.storage.exceptions import LakeNotUsable, LockLost
from b24_pipeline.audit.storage.lake import INSTALL, Lake
from b24_pipeline.audit.storage.queries import statement

BEAT_SECONDS = 5.0
STALE_SECONDS = 30.0
LEASE_SECONDS = 20.0
"""So long the lock counts as held after it was confirmed; less than another run waits before it takes it."""
POLL_SECONDS = 1.0


class RunInProgress(Exception):  # noqa: N818 - a state, not a fault
    """Another run of this connection holds the lock."""


class Session:
    """A direct connection to the lake's Postgres, for several threads.

    Raises:
        LakeNotUsable: it cannot be reached, or is a pool, through which a lock would be shared.
    """

    def __init__(self, lake: Lake, *, name: str) -> None:
        self.lake = lake
        try:
            import psycopg2  # noqa: PLC0415 - only several machines need it
        except ImportError:
            raise LakeNotUsable(f"The audit in a lake needs psycopg2: {INSTALL}") from None
        self._error = psycopg2.Error
        try:
            self._connection = psycopg2.connect(lake.address, application_name=name[:63])
        except psycopg2.Error as error:
            raise LakeNotUsable(f"The audit in {lake} cannot be used ({str(error).splitlines()[0]}).") from None
        self._connection.autocommit = True
        self._confirmed = time.monotonic()
        if self.ask("backend")[0][0] != self._connection.info.backend_pid:
            self.close()
            raise LakeNotUsable(f"{lake} is a pool of connections: name Postgres itself, for the lock of a run.")

    def ask(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        """Return what the named query answers.

        Raises:
            LockLost: the connection is gone, and the lock with it.
        """
        asked = time.monotonic()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement(name), {"schema": self.lake.schema, **parameters})
                found: list[tuple[Any, ...]] = cursor.fetchall()
        except self._error as error:
            reason = (str(error).splitlines() or ["closed"])[0]
            raise LockLost(f"This run has lost its lock in {self.lake} ({reason}): it writes nothing more.") from None
        self._confirmed = asked
        return found

    def confirm(self) -> None:
        """Make sure that the lock is still held; Postgres is asked only where that was not confirmed lately.

        Raises:
            LockLost: it is not.
        """
        if time.monotonic() - self._confirmed > LEASE_SECONDS:
            self.ask("backend")

    def close(self) -> None:
        """Free the lock."""
        self._connection.close()


_held: dict[Lake, Session] = {}
"""The locks of this process: taken again, one is still the same."""


def session_of(lake: Lake) -> Session:
    return _held[lake]


@contextmanager
def advisory_lock(lake: Lake, *, owner: str, wait_seconds: float) -> Iterator[Callable[[], None]]:
    """Hold the connection's lock; yields what confirms that it is still held.

    Raises:
        RunInProgress: another process holds it, also after `wait_seconds`.
        LakeNotUsable: Postgres cannot be reached.
    """
    if lake in _held:
        yield _held[lake].confirm
        return
    with closing(Session(lake, name=owner)) as session:
        take(session, wait_seconds=wait_seconds)
        _held[lake] = session
        try:
            with beating(session):
                yield session.confirm
        finally:
            del _held[lake]
            with suppress(LockLost):
                session.ask("free_locks")  # Postgres notices a moment later that a connection was closed


def take(session: Session, *, wait_seconds: float) -> None:
    """Take the lock, from an owner that is frozen too.

    Raises:
        RunInProgress: somebody else holds it.
    """
    for _ in range(round(wait_seconds / POLL_SECONDS) + 2):
        if session.ask("take_lock")[0][0]:
            return
        owners = session.ask("lock_owners", stale_seconds=STALE_SECONDS)
        stale = [pid for pid, _, _, is_stale in owners if is_stale]
        for pid in stale:
            session.ask("end_owner", pid=pid)
        if not stale and wait_seconds < POLL_SECONDS:
            break
        time.sleep(POLL_SECONDS)
    named = ", ".join(f"{owner}, since {since.isoformat(timespec='seconds')}" for _, owner, since, _ in owners)
    raise RunInProgress(f"another run is in progress: {named or '(not named)'}")


@contextmanager
def beating(session: Session) -> Iterator[None]:
    """Use the connection every few seconds, so that others see that this process is not frozen."""
    stop = threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(BEAT_SECONDS):
                session.ask("backend")
        except LockLost:  # the next write says so
            return

    thread = threading.Thread(target=beat, name="lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def is_held(lake: Lake) -> bool:
    """Return whether somebody holds the lock; what cannot be asked is taken to be held."""
    try:
        with closing(Session(lake, name="b24-pipeline looks at locks")) as session:
            return bool(session.ask("lock_owners", stale_seconds=STALE_SECONDS))
    except (LakeNotUsable, LockLost):
        return True
