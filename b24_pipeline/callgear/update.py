"""Updating employees without taking anything from them: contract 5.5, with a canary that proves it in each run.

`update.employees` is said to be partial, and to require `phone_numbers`. So the minimal form goes first; the first ones
of a run are compared with what the employee had before, and what went missing is put back. Where the account insists on
`phone_numbers`, or the minimal form did harm, every update echoes the phones as they are at that moment.

SIP numbers cannot be put back: until the minimal form has proven harmless, nobody who has some is updated.

What the employee had is kept outside the process before such an update is sent, so that a run that dies, or cannot read
any more, leaves the next one what it needs to put back.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from b24_pipeline.callgear.capabilities import AccountCapabilities, UnverifiedUpdate, UpdateMode
from b24_pipeline.callgear.client import MAX_WRITES, CallGear
from b24_pipeline.callgear.employees import read_employee
from b24_pipeline.callgear.exceptions import (
    RecordError,
    RecordFault,
    SipNumberError,
    StaleLossError,
    UnknownOutcome,
    UpdatesHalted,
)
from b24_pipeline.callgear.phones import PhoneEntry, number_key, refuse_sip_numbers
from b24_pipeline.callgear.rows import Row
from b24_pipeline.callgear.update_recovery import (
    METHOD,
    demands_phones,
    lost_fields,
    phones,
    preserved_fields_of,
    read_for_update,
    restore,
    update_employee,
    written_phones,
)

MAX_UNVERIFIED_AGE = timedelta(hours=24)
"""So long what an employee had before a broken update is taken for what it should have (contract 5.5, 5)."""


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """Result of an update: whether anything was sent, and whether phones were added (R11)."""

    sent: bool
    phones_added: bool


@dataclass(frozen=True, slots=True)
class _TargetState:
    """Target of an update: the last name (None keeps it), and phones for an employee without any."""

    callgear_id: int
    last_name: str | None = field(repr=False)
    new_phones: tuple[PhoneEntry, ...] = field(repr=False)

    def is_met(self, employee: Row) -> bool:
        return self.last_name in (None, employee.get("last_name")) and not self.phones_missing(employee)

    def phones_missing(self, employee: Row) -> bool:
        return bool(self.new_phones) and not phones(employee)


class EmployeeUpdater:
    """Updates the employees of one account during one run; safe to use from several threads.

    `capabilities` are what earlier runs learned of the account. `save` is called with them whenever they change; they
    are stored for later runs when it returns.
    """

    def __init__(
        self,
        client: CallGear,
        capabilities: AccountCapabilities | None = None,
        *,
        save: Callable[[AccountCapabilities], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self.capabilities = capabilities or AccountCapabilities()
        self._save = save
        self._now = now
        self._canary = threading.RLock()
        self._learning = threading.Lock()
        self._minimal_proven = False
        self._fill_proven = False
        self._halted = False

    def recover_interrupted_update(self) -> Row | None:
        """Compare the employee of an update that was never compared, and put back what is missing.

        To be called before a plan is made, which else would take the loss for the employee's state. Returns the
        employee as it is then; None where nothing was missing.

        Raises:
            UpdatesHalted: it could not be put back.
            StaleLossError: it is so long ago that it may as well be somebody's wish; nothing was sent.
        """
        with self._canary:
            former = self.capabilities.unverified
            if former is None:
                return None
            before = former.employee
            try:
                after = read_employee(self._client, before["id"])
            except RecordError as error:
                self._save_changes(unverified=None)
                text = f"{error}, and compare with the audit what an interrupted update has removed"
                raise StaleLossError(text) from None
            lost = lost_fields(before, after) if after is not None else {}
            old = self._now() - former.at > MAX_UNVERIFIED_AGE
            restored = self._restore(before, after) if after is not None and lost and not old else None
            self._save_changes(unverified=None)
        if lost and old:
            raise StaleLossError(
                f"employee {before['id']} has other {', '.join(lost)} in CallGear than before an update that broke off "
                f"on {former.at:%Y-%m-%d}: compare with the audit manually"
            )
        return restored

    def update(
        self, callgear_id: int, *, last_name: str | None = None, phone_numbers: tuple[PhoneEntry, ...] | None = None
    ) -> UpdateResult:
        """Set the last name, and the phones if the employee has none (R09, R11); nothing else of it changes.

        Every update carries the last name: without one to set, the one that the employee has at that moment.

        Raises:
            SipNumberError: one of the phones is or may be a SIP number, and the account demands an echo of them, or
                may yet turn out to take away what an update leaves out.
            UpdatesHalted: an update took something away that could not be put back; no further one is sent.
            RecordError: `entity_not_found` when the employee is gone; others as CallGear says.
            UnknownOutcome: also after repeats it is not known whether it happened; it may be tried again any time.
        """
        target = _TargetState(callgear_id, last_name, phone_numbers or ())
        if self._proven(target):
            return self._update(target)
        with self._canary:
            return self._update(target)

    def _proven(self, target: _TargetState) -> bool:
        """Return whether updates like this one need not go one by one any more."""
        return self._fill_proven if target.new_phones else self._minimal_proven or self._echoes

    @property
    def _echoes(self) -> bool:
        return self.capabilities.update_mode is UpdateMode.ECHO

    def _update(self, target: _TargetState) -> UpdateResult:
        if target.last_name is None and not target.new_phones:
            return UpdateResult(sent=False, phones_added=False)
        if self._halted:
            raise UpdatesHalted("updates stay halted in this run, because one removed data")
        if target.new_phones or self._echoes or not self._minimal_proven:
            return self._update_watched(target)
        try:
            self._write_until_known(target, None)
        except RecordError as error:
            if not demands_phones(error):
                raise
            self._learn(UpdateMode.ECHO)
            return self._update_watched(target)
        return UpdateResult(sent=True, phones_added=False)

    def _update_watched(self, target: _TargetState) -> UpdateResult:
        """Read, write, and unless updates like it are proven harmless read again and put back what is missing."""
        is_canary = not self._proven(target)
        if is_canary:
            with suppress(StaleLossError):
                self.recover_interrupted_update()
        before = read_for_update(self._client, target.callgear_id)
        if target.is_met(before):
            return UpdateResult(sent=False, phones_added=False)
        fills = bool(target.new_phones)
        if fills and not target.phones_missing(before):
            return self.update(target.callgear_id, last_name=target.last_name)
        if is_canary:
            self._refuse_sip_canary(before)
            self._save_changes(unverified=UnverifiedUpdate(preserved_fields_of(before), self._now()))
        self._write_until_known(target, before)
        if not (fills and self._fill_proven):
            self._compare(target, before)
        if is_canary:
            self._save_changes(unverified=None)
        return UpdateResult(sent=True, phones_added=fills)

    def _refuse_sip_canary(self, before: Row) -> None:
        """Refuse SIP numbers while nothing is known of the account: a lost one cannot be restored."""
        if self.capabilities.update_mode is not UpdateMode.UNKNOWN:
            return
        try:
            refuse_sip_numbers(self._client, before["id"], phones(before), lines_of=before["id"])
        except SipNumberError:
            raise SipNumberError(
                f"employee {before['id']} has SIP numbers, and no update has shown yet that the account leaves phones "
                "alone; find out with an employee of your choice: b24-pipeline check --prove-update "
                f"{before['id']}, or edit this person manually"
            ) from None

    def _write_until_known(self, target: _TargetState, base: Row | None) -> None:
        """Write once; while the outcome is unknown, read the employee and write again if needed."""
        attempt = 1
        while True:
            try:
                return self._write(target, base)
            except UnknownOutcome as error:
                if attempt == MAX_WRITES:
                    raise
                self._client.pause(attempt, error=error)
            attempt += 1
            base = read_for_update(self._client, target.callgear_id)
            if target.is_met(base):
                return None

    def _write(self, target: _TargetState, base: Row | None) -> None:
        if base is None:
            return self._call(target)
        if target.last_name is None:
            target = replace(target, last_name=base.get("last_name"))
        if target.phones_missing(base):
            return self._call(target, phone_numbers=[asdict(phone) for phone in target.new_phones])
        if not self._echoes:
            try:
                return self._call(target)
            except RecordError as error:
                if not demands_phones(error):
                    raise
            self._learn(UpdateMode.ECHO)
            base = read_for_update(self._client, target.callgear_id)
        refuse_sip_numbers(self._client, target.callgear_id, phones(base), lines_of=target.callgear_id)
        return self._call(target, phone_numbers=written_phones(phones(base)))

    def _call(self, target: _TargetState, **arrays: Any) -> None:  # noqa: ANN401 - the API's
        update_employee(self._client, target.callgear_id, last_name=target.last_name or "", **arrays)

    def _compare(self, target: _TargetState, before: Row) -> None:
        """Verify the canary: nothing is lost, and the new phones are there (contract 5.5, 2)."""
        after = read_for_update(self._client, target.callgear_id)
        if lost_fields(before, after):
            self._restore(before, after)
        elif target.new_phones:
            stored = [number_key(entry.get("phone_number")) for entry in phones(after)]
            if stored != [number_key(phone.phone_number) for phone in target.new_phones]:
                text = f"{METHOD}: employee {target.callgear_id} has phone numbers that were not stored as sent"
                raise RecordError(text, fault=RecordFault.NOT_STORED, field="phone_numbers")
            self._fill_proven = True
        elif phones(before) and not self._echoes:
            self._minimal_proven = True
            self._learn(UpdateMode.MINIMAL)

    def _restore(self, before: Row, after: Row) -> Row:
        """Restore the lost fields and echo from now on; halt updates if that fails."""
        along = {"phone_numbers"} if self._echoes else set()
        self._learn(UpdateMode.ECHO)
        try:
            return restore(self._client, before, after, along=along)
        except UpdatesHalted:
            self._halted = True
            raise

    def _learn(self, mode: UpdateMode) -> None:
        """Save the mode, unless the account needs echoes."""
        if not self._echoes:
            self._save_changes(update_mode=mode)

    def _save_changes(self, **learned: Any) -> None:  # noqa: ANN401 - fields of AccountCapabilities
        with self._learning:
            capabilities = replace(self.capabilities, **learned)
            if capabilities != self.capabilities:
                self.capabilities = capabilities
                self._save(capabilities)
