"""The share of the candidates that can be imported, and its fall when a source was emptied (R02)."""

from dataclasses import dataclass

MAX_FALL = 0.5
"""A fall by more than this share of the former share is a state of its own."""
MIN_PEOPLE = 2
"""So many people must be concerned at least: of a single person a share says nothing."""


@dataclass(frozen=True, slots=True)
class Importable:
    """The number of candidates, rejected ones included; `importable` are neither rejected nor in conflict."""

    candidates: int
    importable: int

    @property
    def share(self) -> float | None:
        """Return their share of the candidates; None where there is no candidate."""
        return self.importable / self.candidates if self.candidates else None

    def has_fallen(self, *, before: float | None) -> bool:
        """Tell whether the share is less than half of the one of the last import; None where there was none."""
        if self.share is None or before is None:
            return False
        lost = before * self.candidates - self.importable
        return self.share < MAX_FALL * before and round(lost) >= MIN_PEOPLE

    def describe_fall(self, *, before: float) -> str:
        """Return what has happened, in one sentence."""
        return (
            f"only {self.importable} of {self.candidates} candidates can be imported, at the last import it was"
            f" {before:.0%}: b24-pipeline report lists the others and why"
        )
