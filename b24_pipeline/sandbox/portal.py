"""The Bitrix24 portal: its users and departments."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable

from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior, Change
from b24_pipeline.sandbox.bitrix24.fields import STORED, is_custom, iso
from b24_pipeline.sandbox.types import Json

User = dict[str, Json]
ROOT_DEPARTMENT = 1


class Portal:
    """Users as stored, by id, with the changes a person can make in the portal's interface."""

    def __init__(self, *, clock: Callable[[], float], behavior: Bitrix24Behavior, changed: Callable[[], None]) -> None:
        self.behavior = behavior
        # the users, fields under their Bitrix24 names; a field that was never given is not there
        self.users: dict[int, User] = {}
        # the departments as ``department.get`` shows them
        self.departments: dict[int, dict[str, Json]] = {
            ROOT_DEPARTMENT: {"ID": str(ROOT_DEPARTMENT), "NAME": "Company", "SORT": 500}
        }
        self.changed_at: dict[int, float] = {}  # when each user last changed, Unix seconds
        self.version = 0  # grows with every change
        self.owner = 1  # id of the user who owns the webhook
        self.ids: list[int] = []
        self.last_id = 0
        self.hidden: dict[int, User] = {}  # users who are gone for a while, as if deleted
        # called with the ordinal of each ``user.get`` page before it is read, also within a batch
        self.on_page: Callable[[int], None] | None = None
        self._clock = clock
        self._changed = changed

    def hire(self, **fields: Json) -> int:
        """Add a user and return the id; ``ID`` may be given to leave a gap before it.

        Raises:
            ValueError: a field that no user has, or an id that is taken.
        """
        user_id = int(fields.pop("ID", self.last_id + 1))
        if user_id in self.users:
            raise ValueError(f"user {user_id} exists")
        _check_names(fields)
        defaults = {
            "ACTIVE": True,
            "USER_TYPE": "employee",
            "UF_DEPARTMENT": [ROOT_DEPARTMENT],
            "DATE_REGISTER": iso(self._clock() // 86400 * 86400),
        }
        self.users[user_id] = {"ID": str(user_id), **defaults, **fields}
        self.last_id = max(self.last_id, user_id)
        insort(self.ids, user_id)
        self._record(user_id, Change.HIRE)
        return user_id

    def edit(self, user_id: int, **fields: Json) -> None:
        """Change fields of a user; None empties one.

        Raises:
            KeyError: there is no such user.
            ValueError: a field that no user has.
        """
        _check_names(fields)
        self.users[user_id].update(fields)
        self._record(user_id, Change.EDIT)

    def dismiss(self, user_id: int) -> None:
        """Set ``ACTIVE`` false; everything else of the user stays (contract 2.5)."""
        self.users[user_id]["ACTIVE"] = False
        self._record(user_id, Change.DISMISS)

    def reinstate(self, user_id: int) -> None:
        self.users[user_id]["ACTIVE"] = True
        self._record(user_id, Change.REINSTATE)

    def delete(self, user_id: int) -> None:
        """Remove a user for good; the id is never given again."""
        del self.users[user_id]
        self.changed_at.pop(user_id, None)
        del self.ids[bisect_left(self.ids, user_id)]
        self.version += 1
        self._changed()

    def give_id_to(self, user_id: int, **fields: Json) -> None:
        """Let an id be somebody else's, as in a portal that was restored: nothing of the former person stays.

        Raises:
            ValueError: a field that no user has.
        """
        if user_id in self.users:
            self.delete(user_id)
        self.hire(ID=user_id, **fields)

    def hide(self, user_ids: Iterable[int]) -> None:
        """Let users be gone until `show_hidden`, if any are not hidden yet."""
        for user_id in [] if self.hidden else list(user_ids):
            self.hidden[user_id] = self.users.pop(user_id)
            self.ids.remove(user_id)
        self.version += 1
        self._changed()

    def show_hidden(self) -> None:
        """Bring them back as they were, but for ids that somebody else has by now."""
        for user_id, user in self.hidden.items():
            if user_id not in self.users:
                self.users[user_id] = user
                insort(self.ids, user_id)
        self.hidden = {}
        self.version += 1
        self._changed()

    def add_department(self, name: str, *, parent: int = ROOT_DEPARTMENT) -> int:
        department_id = max(self.departments, default=0) + 1
        self.departments[department_id] = {"ID": str(department_id), "NAME": name, "SORT": 500, "PARENT": str(parent)}
        self._changed()
        return department_id

    def _record(self, user_id: int, change: Change) -> None:
        if change in self.behavior.timestamp_touched_by or user_id not in self.changed_at:
            self.changed_at[user_id] = self._clock()
        self.version += 1
        self._changed()


def _check_names(fields: dict[str, Json]) -> None:
    unknown = [name for name in fields if name not in STORED and not is_custom(name)]
    if unknown:
        raise ValueError(f"no user has the field {unknown[0]}")
