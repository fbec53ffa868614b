"""The share of the candidates that can be imported, and its fall when a source was emptied (R02)."""

from dataclasses import dataclass

MAX_FALL = 0.5
"""A fall by more than this share of the former share is a state of its own."""
MIN_PEOPLE = 2
"""So many people must be concerned at least: of a single person a share says nothing."""


@dataclass(frozen=True, slots=True)
class Importable:
    """The number of candidates, rejected ones included; `importable` are neither rejected nor in conflict.

    `evaluated` is false where nobody was looked at, as in a run that used what another one had read.
    """

    candidates: int
    importable: int
    evaluated: bool = True

    @property
    def share(self) -> float | None:
        """Return their share of the candidates; None where there is no candidate."""
        return self.importable / self.candidates if self.candidates else None

    def has_fallen(self, *, before: float | None) -> bool:
        """Tell whether the share is less than half of the one of the last import, or no candidate is left.

        `before` is None where there was no import.
        """
        if before is None or self.share is None:
            return bool(before) and self.evaluated
        lost = before * self.candidates - self.importable
        return self.share < MAX_FALL * before and round(lost) >= MIN_PEOPLE

    def describe_fall(self, *, before: float) -> str:
        """Return what has happened, in one sentence."""
        if not self.candidates:
            return (
                f"no candidates are left; at the last import {before:.0%} of them could be imported: check the scope"
                " settings, and whether the portal's users still are employees"
            )
        return (
            f"only {self.importable} of {self.candidates} candidates can be imported, at the last import it was"
            f" {before:.0%}: b24-pipeline report lists the others and why"
        )
