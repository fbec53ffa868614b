"""The charts of the runs: how they ended, and how long they took."""

import statistics
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from b24_pipeline.audit.report_queries import Figures, RunFigure
from b24_pipeline.reporting.drawing import Chart
from b24_pipeline.reporting.svg import FEW_MOMENTS, day_number, legend, strokes, time_axis
from b24_pipeline.reporting.theme import Color
from b24_pipeline.rules.models import RunKind, RunStatus
from b24_pipeline.text import numbered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS_OF_RUNS = 7
NO_RUN = f"No run in the last {DAYS_OF_RUNS} days"
DRY = "dry run"
WENT_THROUGH = (RunStatus.DONE, RunStatus.PARTIAL, RunStatus.HELD)
STATUS_LOOKS = {
    RunStatus.DONE.value: (Color.BLUE, "|"),
    RunStatus.PARTIAL.value: (Color.AMBER, "^"),
    RunStatus.HELD.value: (Color.PURPLE, "s"),
    RunStatus.UNTRUSTED.value: (Color.RED, "D"),
    RunStatus.FAILED.value: (Color.RED, "X"),
    RunStatus.INTERRUPTED.value: (Color.RED, "P"),
    DRY: (Color.MUTED, "o"),
}


def outcomes(figures: Figures) -> Chart:
    today = figures.at.date()
    dated = [(run, (today - run.started_at.date()).days) for run in figures.runs]
    runs = [(run, days_ago) for run, days_ago in dated if days_ago < DAYS_OF_RUNS]
    counted = Counter(status_of(run) for run, _ in runs)
    words = {status: f"{number:,} {status}" for status, number in counted.items()}
    words[DRY] = numbered(counted[DRY], DRY, "dry runs")

    def paint(axes: "Axes") -> None:
        for status, (color, marker) in STATUS_LOOKS.items():
            moments = [(run.started_at, days_ago) for run, days_ago in runs if status_of(run) == status]
            places = [(at.hour + at.minute / 60, day) for at, day in moments]
            if status == RunStatus.DONE:
                strokes(axes, [(hour, day - 0.3, day + 0.3) for hour, day in places], color, width=2.2)
            elif places:
                hours, days = zip(*places, strict=True)
                hollow = "none" if status == DRY else color.drawn
                axes.plot(hours, days, marker, color=color.drawn, markerfacecolor=hollow, markersize=6.5)
        axes.set_xlim(-0.5, 24)
        axes.set_ylim(DAYS_OF_RUNS - 0.5, -0.6)
        axes.set_yticks(range(DAYS_OF_RUNS), [f"{today - timedelta(days=ago):%a %d}" for ago in range(DAYS_OF_RUNS)])
        axes.set_xticks(range(0, 24, 6), [f"{hour}:00" for hour in range(0, 24, 6)])
        for ago in range(DAYS_OF_RUNS):
            axes.axhline(ago, color=Color.GRID.drawn, linewidth=0.8, zorder=0)
        legend(axes, [(words[status], *looks) for status, looks in STATUS_LOOKS.items() if counted[status]])

    return Chart("outcomes", went_through(counted), "", paint, margins=(52, 10, 22))


def went_through(counted: Mapping[str, int]) -> str:
    for_real = sum(counted.values()) - counted[DRY]
    if not for_real:
        return f"Only dry runs in the last {DAYS_OF_RUNS} days" if counted[DRY] else NO_RUN
    good = sum(counted[status] for status in WENT_THROUGH)
    return f"{good:,} of {numbered(for_real, 'run', 'runs')} went through"


def status_of(run: RunFigure) -> str:
    """Return how a run is shown: a dry run by that, however it ended."""
    return DRY if run.kind is RunKind.DRY_RUN else run.status.value


def time_a_run(figures: Figures) -> Chart:
    """Return how long each run took; of an interrupted one nobody knows."""
    took = [(day_number(run.started_at), run.seconds) for run in figures.runs if run.kind is not RunKind.DRY_RUN]
    ended = [(at, seconds) for at, seconds in took if seconds is not None]
    times, seconds = [at for at, _ in ended], [seconds for _, seconds in ended]

    def paint(axes: "Axes") -> None:
        if ended:
            upright = [(at, 0.0, high) for at, high in ended]
            strokes(axes, upright, Color.BLUE, width=1.6 if len(ended) > FEW_MOMENTS else 5)
            at, longest = max(ended, key=lambda run: run[1])
            if longest > 2 * statistics.median_low(seconds):
                color, words = Color.MUTED.drawn, words_of(longest)
                axes.annotate(words, (at, longest), (0, 3), textcoords="offset points", ha="center", color=color)
        axes.set_ylim(0, max([*seconds, 1]) * 1.18)
        axes.yaxis.set_major_formatter(lambda value, _: words_of(value) if value else "0")
        axes.locator_params(axis="y", nbins=4)
        axes.grid(visible=True, axis="y")
        time_axis(axes, times)

    return Chart(
        "time",
        f"A run usually takes {words_of(statistics.median_low(seconds))}" if ended else NO_RUN,
        f"Time of each run in the last {DAYS_OF_RUNS} days",
        paint,
        margins=(46, 14, 24),
    )


def words_of(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
