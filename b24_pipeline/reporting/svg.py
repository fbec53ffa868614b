"""The parts of charts: bars, strokes, labels beside the lines, a line of signs, an axis of time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from b24_pipeline.reporting.theme import Color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

A_MINUTE = 1 / 1440
FEW_MOMENTS = 12
"""So few are drawn one by one."""
TICKS = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S s"]
"""The format of a tick that is a year, month, day, hour, minute, second."""
SIGNS = {"|": "❙", "^": "▲", "s": "■", "D": "◆", "X": "✖", "P": "✚", "o": "○"}


def strokes(axes: "Axes", lines: Sequence[tuple[float, float, float]], color: Color, *, width: float) -> None:
    """Upright lines at x from y to y, in one path: a week has hundreds of them, and the file stays small."""
    gap = float("nan")
    across = [value for x, _, _ in lines for value in (x, x, gap)]
    upward = [value for _, low, high in lines for value in (low, high, gap)]
    axes.plot(across, upward, color=color.drawn, linewidth=width, solid_capstyle="butt")


def bars(axes: "Axes", rows: Sequence[tuple[str, int, Color]]) -> None:
    places = range(len(rows))
    axes.barh(places, [number for _, number, _ in rows], color=[color.drawn for _, _, color in rows], height=0.62)
    for place, (_, number, _) in enumerate(rows):
        axes.annotate(f"{number:,}", (number, place), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, [words for words, _, _ in rows], color=Color.INK.drawn)
    axes.set_xticks([])
    axes.set_xlim(0, max([number for _, number, _ in rows] or [1]))
    axes.set_ylim(max(len(rows), 4) - 0.4, -0.6)
    axes.spines["bottom"].set_visible(False)


def legend(axes: "Axes", entries: Sequence[tuple[str, Color, str]]) -> None:
    """Signs and words in a line above the axes, where the caption of other charts stands."""
    place, y = 0.0, 1 - 29 / 250
    for words, color, marker in entries:
        axes.figure.text(place / 440, y, SIGNS[marker], color=color.drawn, va="center", size=10, weight="bold")
        axes.figure.text((place + 13) / 440, y, words, color=Color.MUTED.drawn, va="center")
        place += 30 + 5.6 * len(words)


def labels_at_the_end(axes: "Axes", labels: Mapping[str, tuple[float, Color]]) -> None:
    """The name of each line beside its end, pushed apart where two would touch."""
    low, high = axes.get_ylim()
    by_value = sorted(labels.items(), key=lambda label: label[1][0])
    places = pushed_apart([value for _, (value, _) in by_value], distance=(high - low) * 0.085)
    for (words, (_, color)), place in zip(by_value, places, strict=True):
        axes.annotate(
            words,
            (1, place),
            (12, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=color.drawn,
            va="center",
            weight="bold",
        )


def pushed_apart(values: Sequence[float], *, distance: float) -> list[float]:
    """The rising values, each at least so far from the one before; a group that was pushed keeps its middle."""

    def bottom(group: Sequence[float]) -> float:
        return sum(group) / len(group) - distance * (len(group) - 1) / 2

    groups: list[list[float]] = []
    for value in values:
        groups.append([value])
        while len(groups) > 1 and bottom(groups[-1]) - bottom(groups[-2]) < distance * len(groups[-2]):
            last = groups.pop()
            groups[-1] = groups[-1] + last
    return [bottom(group) + place * distance for group in groups for place in range(len(group))]


def time_axis(axes: "Axes", times: Sequence[float]) -> None:
    """A few days, or a few hours where it is all one day; nothing where there is nothing to show."""
    if not times:
        axes.set_xticks([])
        return
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415

    locator = AutoDateLocator(minticks=2, maxticks=5, tz=UTC)  # type: ignore[no-untyped-call]
    formats = {"formats": TICKS, "zero_formats": ["", *TICKS[:-1]], "show_offset": False}
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, **formats))  # type: ignore[no-untyped-call]
    room = max((times[-1] - times[0]) * 0.02, A_MINUTE)
    axes.set_xlim(times[0] - room, times[-1] + room)


def day_number(moment: datetime) -> float:
    """A moment as the axis counts: days since 1970."""
    return moment.timestamp() / 86400
