"""The table: what was measured, against what, and whether that is what was aimed at."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table

HEADINGS = ("what", "ours", "against", "ratio", "target", "reached")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        what: the case.
        ours: what was measured, in words.
        against: what it is compared with, in words.
        ratio: ours divided by the other, where that says something.
        target: what is aimed at, in words.
        reached: whether it is; None where there is no target.
    """

    what: str
    ours: str
    against: str = ""
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """The line as texts."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        reached = {True: "yes", False: "NO", None: ""}[self.reached]
        return (self.what, self.ours, self.against, ratio, self.target, reached)


def at_most(what: str, measured: float, limit: float, *, unit: str, digits: int = 0) -> Line:
    """A line whose figure may not be more than the limit."""
    return Line(
        what,
        f"{measured:,.{digits}f} {unit}".strip(),
        target=f"≤ {limit:,g} {unit}".strip(),
        reached=measured <= limit,
    )


def at_least(what: str, measured: float, limit: float, *, unit: str, digits: int = 0) -> Line:
    """A line whose figure may not be less than the limit."""
    return Line(
        what,
        f"{measured:,.{digits}f} {unit}".strip(),
        target=f"≥ {limit:,g} {unit}".strip(),
        reached=measured >= limit,
    )


def terminal_table(title: str, lines: Iterable[Line]) -> Table:
    """The lines for a person at the terminal."""
    table = Table(*HEADINGS, title=title, title_justify="left", box=None, pad_edge=False)
    for line in lines:
        table.add_row(*line.cells(), style="bold red" if line.reached is False else None)
    return table


def markdown_table(lines: Iterable[Line]) -> str:
    """The lines for the documentation."""
    rows = [HEADINGS, ("---", "---", "---", "--:", "---", "---"), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def interleaved(rounds: int, contenders: Sequence[Callable[[], float]]) -> list[float]:
    """Let the contenders take turns, `rounds` times; the median of each. What disturbs one disturbs the others too."""
    taken: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        for times, contender in zip(taken, contenders, strict=True):
            times.append(contender())
    return [median(times) for times in taken]
