"""The charts of the report: what each shows, and the finding that its heading says."""

import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from b24_pipeline.reporting.drawing import Chart
from b24_pipeline.reporting.marks import (
    bars,
    day_number,
    labels_at_the_end,
    legend,
    note,
    strokes,
    time_axis,
    whole_numbers,
)
from b24_pipeline.reporting.palette import Colour
from b24_pipeline.reporting.previews import reason
from b24_pipeline.rules.records import MatchKind, RunStatus
from b24_pipeline.store.report import Figures, PeopleFigure, RunFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS_OF_RUNS = 7
WEEKS_OF_LINKS = 13
DAYS_OF_POINTS = 14
FEW_MOMENTS = 12
NO_IMPORT = "No import in the last 90 days"
DRY = "dry run"
STATUS_LOOKS = {
    RunStatus.DONE.value: (Colour.BLUE, "|"),
    RunStatus.PARTIAL.value: (Colour.AMBER, "^"),
    RunStatus.HELD.value: (Colour.PURPLE, "s"),
    RunStatus.UNTRUSTED.value: (Colour.RED, "D"),
    RunStatus.FAILED.value: (Colour.RED, "X"),
    RunStatus.INTERRUPTED.value: (Colour.RED, "P"),
    DRY: (Colour.MUTED, "o"),
}
MATCHES = {
    MatchKind.BY_ID: ("known by id", Colour.BLUE),
    MatchKind.BY_EMAIL: ("found by e-mail", Colour.SKY),
    MatchKind.NONE: ("not there: created", Colour.SKY),
    MatchKind.CONFLICT: ("in conflict", Colour.RED),
    MatchKind.REJECTED: ("rejected", Colour.AMBER),
    MatchKind.DISMISSED: ("dismissed", Colour.GREY),
    MatchKind.NOT_EMPLOYEE: ("no employee", Colour.GREY),
    MatchKind.OUT_OF_SCOPE: ("out of scope", Colour.GREY),
}
FOUND = {MatchKind.BY_ID: "known by id", MatchKind.BY_EMAIL: "found by e-mail", MatchKind.NONE: "new"}
LINKED_BY = {
    "create": ("created", Colour.BLUE),
    "email": ("found by e-mail", Colour.SKY),
    "rehire": ("rehired", Colour.PURPLE),
    "approval": ("approved", Colour.AMBER),
}


def charts_of(figures: Figures) -> list[Chart]:
    """Every chart, the most important first."""
    return [
        people_over_time(figures),
        outcomes(figures),
        time_a_run(figures),
        matches(figures),
        not_imported(figures),
        links_a_week(figures),
        points(figures),
    ]


def people_over_time(figures: Figures) -> Chart:
    """Candidates, imported people and the account's employees."""
    moments = figures.people
    series = {
        "candidates in Bitrix24": (Colour.INK, "-", [moment.candidates for moment in moments]),
        "employees in CallGear": (Colour.AMBER, "--", [moment.employees for moment in moments]),
        "imported": (Colour.BLUE, "-", [moment.imported for moment in moments]),
    }

    def paint(axes: "Axes") -> None:
        times = [day_number(moment.at) for moment in moments]
        for colour, line, values in series.values():
            few = len(times) <= FEW_MOMENTS
            axes.plot(
                times,
                values,
                line,
                color=colour.drawn,
                linewidth=2,
                marker="o" if few else "",
                markersize=4,
                clip_on=False,
            )
        low = min((min(values) for _, _, values in series.values() if values), default=0)
        high = max((max(values) for _, _, values in series.values() if values), default=1)
        room = max((high - low) * 0.12, high * 0.02, 1)
        axes.set_ylim(max(0, low - room), high + room)
        labels_at_the_end(
            axes,
            {f"{values[-1]:,} {name}": (values[-1], colour) for name, (colour, _, values) in series.items() if values},
        )
        whole_numbers(axes)
        time_axis(axes, times)

    last = moments[-1] if moments else None
    return Chart(
        "people",
        f"{last.imported:,} of {last.candidates:,} candidates are imported" if last else NO_IMPORT,
        f"People on both sides {span(moments)}, after each run",
        paint,
        width=900,
        height=270,
        margins=(40, 178, 24),
    )


def span(moments: Sequence[PeopleFigure]) -> str:
    """The time that the moments span, in words."""
    days = (moments[-1].at - moments[0].at).days if moments else 0
    return f"in the last {days} days" if days > 1 else "today" if days == 0 else "since yesterday"


def outcomes(figures: Figures) -> Chart:
    """Each run of the week by day and hour."""
    today = figures.at.date()
    runs = [run for run in figures.runs if days_ago(run, today) < DAYS_OF_RUNS]
    counted = Counter(map(status_of, runs))

    def paint(axes: "Axes") -> None:
        for status, (colour, marker) in STATUS_LOOKS.items():
            places = [(hour_of(run.started_at), days_ago(run, today)) for run in runs if status_of(run) == status]
            if status == RunStatus.DONE:
                strokes(axes, [(hour, day - 0.3, day + 0.3) for hour, day in places], colour, width=2.2)
            elif places:
                hours, days = zip(*places, strict=True)
                hollow = "none" if status == DRY else colour.drawn
                axes.plot(hours, days, marker, color=colour.drawn, markerfacecolor=hollow, markersize=6.5)
        axes.set_xlim(-0.5, 24)
        axes.set_ylim(DAYS_OF_RUNS - 0.5, -0.6)
        axes.set_yticks(range(DAYS_OF_RUNS), [day_name(today - timedelta(days=ago)) for ago in range(DAYS_OF_RUNS)])
        axes.set_xticks(range(0, 24, 6), [f"{hour}:00" for hour in range(0, 24, 6)])
        for ago in range(DAYS_OF_RUNS):
            axes.axhline(ago, color=Colour.GRID.drawn, linewidth=0.8, zorder=0)
        legend(
            axes,
            [(f"{counted[status]:,} {status}", *STATUS_LOOKS[status]) for status in STATUS_LOOKS if counted[status]],
        )

    good = sum(counted[status] for status in (RunStatus.DONE, RunStatus.PARTIAL, RunStatus.HELD))
    for_real = len(runs) - counted[DRY]
    heading = f"{good:,} of {for_real:,} runs went through" if runs else "No run in the last 7 days"
    return Chart("outcomes", heading if runs else "No run in the last 7 days", "", paint, margins=(52, 10, 22))


def status_of(run: RunFigure) -> str:
    """How a run is shown: a dry run by that, however it ended."""
    return DRY if run.dry_run else run.status.value


def time_a_run(figures: Figures) -> Chart:
    """How long each run took."""
    runs = [run for run in figures.runs if not run.dry_run]

    def paint(axes: "Axes") -> None:
        times = [day_number(run.started_at) for run in runs]
        seconds = [run.seconds for run in runs]
        if runs:
            upright = [(at, 0.0, took) for at, took in zip(times, seconds, strict=True)]
            strokes(axes, upright, Colour.BLUE, width=1.6 if len(runs) > FEW_MOMENTS else 5)
            longest = max(range(len(runs)), key=seconds.__getitem__)
            if seconds[longest] > 2 * statistics.median_low(seconds):
                note(axes, times[longest], seconds[longest], words_of(seconds[longest]))
        axes.set_ylim(0, max([*seconds, 1]) * 1.18)
        axes.yaxis.set_major_formatter(lambda value, _: words_of(value) if value else "0")
        axes.locator_params(axis="y", nbins=4)
        axes.grid(visible=True, axis="y")
        time_axis(axes, times)

    usual = words_of(statistics.median_low(run.seconds for run in runs)) if runs else ""
    return Chart(
        "time",
        f"A run usually takes {usual}" if runs else "No run in the last 7 days",
        "Time of each run in the last 7 days",
        paint,
        margins=(46, 14, 24),
    )


def words_of(seconds: float) -> str:
    """A length of time in words."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def matches(figures: Figures) -> Chart:
    """How each user of the portal was matched."""
    rows = [
        (words, figures.matches[kind], colour) for kind, (words, colour) in MATCHES.items() if figures.matches.get(kind)
    ]
    found = [(figures.matches.get(kind, 0), words) for kind, words in FOUND.items()]
    return Chart(
        "matches",
        ", ".join(f"{number:,} {words}" for number, words in found if number) or "Nobody is matched yet",
        "How the users of Bitrix24 were matched in the last run",
        lambda axes: bars(axes, rows),
        margins=(112, 44, 8),
    )


def not_imported(figures: Figures) -> Chart:
    """Rejects and conflicts by reason."""
    rows = [
        (reason(group.reason), len(group.people), MATCH_OF_REASON.get(group.reason, Colour.RED))
        for group in figures.not_imported
    ]
    total = sum(number for _, number, _ in rows)
    return Chart(
        "not-imported",
        f"{total:,} people are not imported" if total else "Nobody is left out",
        "Why, in the last run; the names are listed below",
        lambda axes: bars(axes, rows),
        margins=(250, 40, 8),
    )


MATCH_OF_REASON = dict.fromkeys(
    ("missing_last_name", "missing_email", "invalid_email", "missing_department"), Colour.AMBER
)


def links_a_week(figures: Figures) -> Chart:
    """Links by week and by what made them."""
    this_week = figures.at.date() - timedelta(days=figures.at.weekday())
    weeks = [this_week - timedelta(weeks=ago) for ago in reversed(range(WEEKS_OF_LINKS))]
    used = [how for how in LINKED_BY if any(linked_by == how for _, linked_by in figures.links_by_week)]

    def paint(axes: "Axes") -> None:
        below = [0] * len(weeks)
        for how in used:
            numbers = [figures.links_by_week.get((week, how), 0) for week in weeks]
            axes.bar(range(len(weeks)), numbers, bottom=below, color=LINKED_BY[how][1].drawn, width=0.7)
            below = [low + number for low, number in zip(below, numbers, strict=True)]
        for place, total in enumerate(below):
            if total:
                axes.text(place, total, f"{total:,}", ha="center", va="bottom", size=9)
        axes.set_ylim(0, max([*below, 1]) * 1.22)
        axes.set_xlim(-0.6, len(weeks) - 0.4)
        axes.set_yticks([])
        axes.set_xticks(range(0, len(weeks), 4), [f"{week:%d %b}" for week in weeks[::4]])
        legend(axes, [(LINKED_BY[how][0], LINKED_BY[how][1], "s") for how in used])

    now = sum(number for (week, _), number in figures.links_by_week.items() if week == this_week)
    return Chart("links", f"{now:,} links were made this week", "", paint, margins=(8, 8, 24))


def points(figures: Figures) -> Chart:
    """CallGear points a day against what may be spent."""
    today, budget = figures.at.date(), figures.points_a_day
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS_OF_POINTS))]
    spent = [figures.points_by_day.get(day, 0) for day in days]

    def paint(axes: "Axes") -> None:
        axes.bar(range(len(days)), spent, color=Colour.BLUE.drawn, width=0.7)
        for place, number in enumerate(spent):
            if number:
                axes.text(place, number, f"{number:,}", ha="center", va="bottom", size=8.5)
        if budget is not None:
            axes.axhline(budget, color=Colour.RED.drawn, linewidth=1.4, linestyle="--")
            words = f"{budget:,} may be spent a day"
            axes.annotate(words, (-0.5, budget), (0, 4), textcoords="offset points", color=Colour.RED.drawn)
        axes.set_ylim(0, max([*spent, budget or 1]) * 1.18)
        axes.set_xlim(-0.6, len(days) - 0.4)
        axes.set_yticks([])
        axes.set_xticks(range(1, len(days), 4), [f"{day:%d %b}" for day in days[1::4]])

    of_budget = f" of {budget:,}" if budget is not None else ""
    return Chart(
        "points",
        f"{spent[-1]:,}{of_budget} CallGear points are used today",
        "Points that the import has spent each day (UTC)",
        paint,
        margins=(8, 8, 24),
    )


def hour_of(moment: datetime) -> float:
    """The hour of the day, with its minutes as a fraction."""
    return moment.hour + moment.minute / 60


def days_ago(run: RunFigure, today: date) -> int:
    """How many days before today a run began."""
    return (today - run.started_at.date()).days


def day_name(day: date) -> str:
    """A day in few letters."""
    return f"{day:%a %d}"
