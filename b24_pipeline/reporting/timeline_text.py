"""The timeline of a person in plain words: pure text building from rows of the database."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from b24_pipeline.reporting import wording
from b24_pipeline.rules.labels import kept, reason
from b24_pipeline.rules.models import ActionKind, MatchKind, Outcome
from b24_pipeline.text import numbered

Row = Mapping[str, Any]

UNLINKED = "unlinked"
"""The `end_reason` of a link that a person ended."""
NOT_SEEN = "(never seen in Bitrix24)"


@dataclass(frozen=True, slots=True)
class RecordText:
    """A record somewhere: its fields change one by one."""

    where: Callable[[Row], str]
    fields: Mapping[str, str]
    turns: Callable[[Row, Row], str | None] = lambda _before, _after: None

    def first(self, row: Row) -> str:
        return f"seen in {self.where(row)}: {self.fields_of(row)}"

    def changed(self, before: Row, after: Row) -> str:
        changes = ", ".join(
            f"{label} {_quoted(before[name])} → {_quoted(after[name])}"
            for name, label in self.fields.items()
            if before[name] != after[name]
        )
        changed = f"changed in {self.where(after)}: {changes}" if changes else ""
        return "; ".join(filter(None, (self.turns(before, after), changed)))

    def gone(self, row: Row) -> str:
        return f"no longer in {self.where(row)}"

    def back(self, row: Row) -> str:
        return f"back in {self.where(row)}: {self.fields_of(row)}"

    def fields_of(self, row: Row) -> str:
        return ", ".join(
            f"{label} {_quoted(row[name])}" for name, label in self.fields.items() if row[name] is not None
        )


@dataclass(frozen=True, slots=True)
class StatusText:
    """The status of a person in the import, which comes back as it was seen first: shown whenever it changes."""

    words: Callable[[Row], str]

    def first(self, row: Row) -> str:
        return self.words(row)

    def changed(self, before: Row, after: Row) -> str:
        return "" if self.words(before) == self.words(after) else self.words(after)

    def gone(self, row: Row) -> str:
        return f"no longer: {self.words(row)}"

    back = first


Subject = RecordText | StatusText
"""The subject of a history: the wording of its first row, of a change, of an end and of a new beginning."""


def person(row: Row) -> str:
    name = " ".join(part for part in (row["last_name"], row["first_name"]) if part)
    return ", ".join(part for part in (name, row["email"]) if part) or "(no name)"


def reason_suffix(word: str | None) -> str:
    """Return a reason after a colon; nothing when there is none."""
    return f": {reason(word)}" if word else ""


def now(*, seen: Row | None, match: Row | None, link: Row | None, employee_is_gone: bool, outcome_unknown: bool) -> str:
    """Return whether the person is in CallGear now, and why or why not; a sentence without its full stop.

    User and match are those of now; the link is the last one, whose employee a later run may have found gone (R08).
    """
    if outcome_unknown:
        return f"Create outcome unknown; {_verified(match)}"
    if link is not None and link["valid_to_run"] is None and not employee_is_gone:
        return _linked_now(link, match)
    if seen is not None:
        why = f": {_match(match)}" if match is not None else ""
        return f"Not in CallGear{why}"
    if link is None:
        return "No longer in Bitrix24, and never imported"
    if link["valid_to_run"] is None:
        return f"No longer in Bitrix24, and CallGear employee {link['callgear_id']} no longer exists"
    ended = "was unlinked" if link["end_reason"] == UNLINKED else "is linked with another user now"
    return f"No longer in Bitrix24; CallGear employee {link['callgear_id']} {ended}"


def _linked_now(link: Row, match: Row | None) -> str:
    since = f"employee {link['callgear_id']}, linked since {link['linked_at']:%Y-%m-%d %H:%M}"
    if match is not None and match["match_type"] == MatchKind.CONFLICT:
        return f"Linked with CallGear {since}, but in conflict{reason_suffix(match['reason'])}"
    return f"In CallGear as {since}"


def outstanding(open_actions: Sequence[Row], dead_letters: Sequence[Row]) -> str:
    """Return what is held or deferred now, and what failed and is tried again, as the end of a sentence."""
    waits = [
        f"; {open_action(row)}"
        for row in open_actions
        if row["valid_to_run"] is None and row["outcome"] in (Outcome.HELD, Outcome.DEFERRED)
    ]
    tries = [
        f"; {wording.ACTIONS[letter['action']]} failed{refusals(letter['attempts'], after=' ')},"
        f" last: {letter['error']}, next try {letter['next_try_at']:%Y-%m-%d %H:%M}"
        for letter in dead_letters
    ]
    return "".join([*waits, *tries])


def refusals(attempts: int, *, after: str) -> str:
    """Return how often a record was refused in a row, after a separator; unanswered tries do not count (R18)."""
    return f"{after}{numbered(attempts, 'time', 'times')}" if attempts else ""


def _verified(match: Row | None) -> str:
    """Return what becomes of an announced create: runs look it up for those whom they would create or link."""
    if match is None or match["match_type"] in (MatchKind.NONE, MatchKind.BY_EMAIL):
        return "the next run will verify"
    return f"the user is {_match(match)}"


def linked(row: Row) -> str:
    why = wording.LINKED_BY.get(row["linked_by"], row["linked_by"])
    return f"linked with CallGear employee {row['callgear_id']}, because {why}"


def unlinked(row: Row) -> str:
    ended = f"the link with CallGear employee {row['callgear_id']} ended"
    if row["end_reason"] != UNLINKED:
        return f"{ended}: another one took its place"
    comment = f": {row['end_comment']}" if row["end_comment"] else ""
    return f"{ended}: {row['ended_by']} ended it with b24-pipeline unlink{comment}"


def stands(row: Row) -> str:
    employee = f"; {kept(row)}" if kept(row) else ""
    return f"{open_action(row)}{reason_suffix(row['reason'])}{employee}{_sent(row, 'to be sent')}"


def done(row: Row) -> str:
    whom = f" (employee {row['callgear_id']})" if row["callgear_id"] is not None else ""
    ended = f"{wording.ACTIONS[row['action']]}{whom}: {wording.OUTCOMES.get(row['outcome'], row['outcome'])}"
    return f"{ended}{reason_suffix(row['reason'])}{_sent(row, 'sent')}"


def open_action(row: Row) -> str:
    if row["action"] in (ActionKind.REJECT, ActionKind.CONFLICT):
        return "rejected" if row["outcome"] == Outcome.REJECTED else "in conflict"
    return f"{wording.ACTIONS[row['action']]}: {wording.OUTCOMES.get(row['outcome'], row['outcome'])}"


def _sent(row: Row, verb: str) -> str:
    """Return what was or is to be sent, and the answer."""
    answer = f"; answer: {row['error']}" if row["error"] else ""
    if not row["after"]:
        return answer
    before = json.loads(row["before"]) if row["before"] else {}
    fields = []
    for name, value in json.loads(row["after"]).items():
        label = wording.EMPLOYEE_FIELDS.get(name, name.replace("_", " "))
        former = f"{_quoted(before[name])} → " if name in before else ""
        fields.append(f"{label} {former}{_quoted(value)}")
    return f"; {verb}: {', '.join(fields)}{answer}"


def with_numbers(employee: Row) -> Row:
    """The employee with its phone numbers alone, in dialing order, instead of their entries."""
    entries = json.loads(employee["phone_numbers"] or "[]")
    return {**employee, "phone_numbers": ", ".join(entry["phone_number"] for entry in entries) or None}


def _eligibility(row: Row) -> str:
    unusable = f"; not usable as phone numbers: {row['unusable_phones']}" if row["unusable_phones"] else ""
    return (
        f"{wording.ELIGIBILITIES.get(row['eligibility'], row['eligibility'])}{reason_suffix(row['reason'])}{unusable}"
    )


def _match(row: Row) -> str:
    whom = f" with CallGear employee {row['callgear_id']}" if row["callgear_id"] is not None else ""
    other = f" (user {row['other_bitrix24_id']})" if row["other_bitrix24_id"] is not None else ""
    return f"{wording.MATCHES.get(row['match_type'], row['match_type'])}{whom}{reason_suffix(row['reason'])}{other}"


def _turned(before: Row, after: Row) -> str | None:
    if before["active"] == after["active"]:
        return None
    return "active again in Bitrix24" if after["active"] else "dismissed in Bitrix24"


def _quoted(value: object) -> str:
    if value is None or value == []:
        return "(none)"
    return f'"{", ".join(map(str, value)) if isinstance(value, list) else value}"'


USER = RecordText(lambda _row: "Bitrix24", wording.USER_FIELDS, _turned)
EMPLOYEE = RecordText(lambda row: f"CallGear as employee {row['callgear_id']}", wording.EMPLOYEE_FIELDS)
ELIGIBILITY = StatusText(_eligibility)
MATCH = StatusText(_match)
RESPONSIBLE = StatusText(lambda row: f"{'' if row['listed'] else 'not '}on the responsible list")
