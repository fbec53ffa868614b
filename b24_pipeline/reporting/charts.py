"""The charts of the report: what each shows, and the finding that its heading says."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from b24_pipeline.audit.report_queries import Figures, PeopleFigure
from b24_pipeline.reporting.drawing import Chart
from b24_pipeline.reporting.run_charts import outcomes, time_a_run
from b24_pipeline.reporting.svg import FEW_MOMENTS, bars, day_number, labels_at_the_end, legend, time_axis
from b24_pipeline.reporting.theme import Color
from b24_pipeline.rules.labels import BY_EMAIL, BY_ID, NOT_IN_CALLGEAR, reason
from b24_pipeline.rules.models import MatchKind, Rejection
from b24_pipeline.text import numbered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WEEKS_OF_LINKS = 13
DAYS_OF_POINTS = 14
MATCHES = {
    MatchKind.BY_ID: (BY_ID, Color.BLUE),
    MatchKind.BY_EMAIL: (BY_EMAIL, Color.SKY),
    MatchKind.NONE: (NOT_IN_CALLGEAR, Color.SKY),
    MatchKind.CONFLICT: ("in conflict", Color.RED),
    MatchKind.REJECTED: ("rejected", Color.AMBER),
    MatchKind.DISMISSED: ("dismissed", Color.GRAY),
    MatchKind.NOT_EMPLOYEE: ("not an employee", Color.GRAY),
    MatchKind.OUT_OF_SCOPE: ("out of scope", Color.GRAY),
}
FOUND = (MatchKind.BY_ID, MatchKind.BY_EMAIL, MatchKind.NONE)
LINKED_BY = {
    "create": ("created", Color.BLUE),
    "email": (BY_EMAIL, Color.SKY),
    "rehire": ("rehired", Color.PURPLE),
    "approval": ("approved", Color.AMBER),
}


def charts_of(figures: Figures) -> list[Chart]:
    """Every chart, the most important first."""
    every = (people_over_time, outcomes, time_a_run, matches, refused, links_a_week, points)
    return [chart(figures) for chart in every]


def people_over_time(figures: Figures) -> Chart:
    moments = figures.people
    series = {
        "candidates in Bitrix24": (Color.INK, "-", [moment.candidates for moment in moments]),
        "employees in CallGear": (Color.AMBER, "--", [moment.employees for moment in moments]),
        "imported": (Color.BLUE, "-", [moment.imported for moment in moments]),
    }

    def paint(axes: "Axes") -> None:
        times = [day_number(moment.at) for moment in moments]
        marker = "o" if len(times) <= FEW_MOMENTS else ""
        for color, line, values in series.values():
            axes.plot(times, values, line, color=color.drawn, linewidth=2, marker=marker, markersize=4, clip_on=False)
        low = min((min(values) for _, _, values in series.values() if values), default=0)
        high = max((max(values) for _, _, values in series.values() if values), default=1)
        room = max((high - low) * 0.12, high * 0.02, 1)
        axes.set_ylim(max(0, low - room), high + room)
        ends = {f"{name}: {values[-1]:,}": (values[-1], color) for name, (color, _, values) in series.items() if values}
        labels_at_the_end(axes, ends)
        axes.locator_params(axis="y", nbins=5, integer=True)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(visible=True, axis="y")
        time_axis(axes, times)

    last = moments[-1] if moments else None
    return Chart(
        "people",
        f"{last.imported:,} of {numbered(last.candidates, 'candidate is', 'candidates are')} imported"
        if last
        else "No import in the last 90 days",
        f"People on both sides {span(moments)}, after each run",
        paint,
        width=900,
        height=270,
        margins=(40, 178, 24),
    )


def span(moments: Sequence[PeopleFigure]) -> str:
    days = (moments[-1].at - moments[0].at).days if moments else 0
    return f"in the last {days} days" if days > 1 else "today" if days == 0 else "since yesterday"


def matches(figures: Figures) -> Chart:
    rows = [
        (words, figures.matches[kind], color) for kind, (words, color) in MATCHES.items() if figures.matches.get(kind)
    ]
    found = [(figures.matches.get(kind, 0), MATCHES[kind][0]) for kind in FOUND]
    return Chart(
        "matches",
        ", ".join(f"{number:,} {words}" for number, words in found if number) or "Nobody is matched yet",
        "How the users of Bitrix24 were matched in the last run",
        lambda axes: bars(axes, rows),
        margins=(112, 44, 8),
    )


def refused(figures: Figures) -> Chart:
    rows = [
        (reason(group.reason), len(group.people), Color.AMBER if group.reason in list(Rejection) else Color.RED)
        for group in figures.refused
    ]
    total = sum(number for _, number, _ in rows)
    return Chart(
        "refused",
        f"{numbered(total, 'person is', 'people are') if total else 'Nobody is'} rejected or in conflict",
        "Why, in the last run; the names are listed below",
        lambda axes: bars(axes, rows),
        margins=(250, 40, 8),
    )


def links_a_week(figures: Figures) -> Chart:
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
    return Chart("links", f"{numbered(now, 'link was', 'links were')} made this week", "", paint, margins=(8, 8, 24))


def points(figures: Figures) -> Chart:
    today, budget = figures.at.date(), figures.points_a_day
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS_OF_POINTS))]
    spent = [figures.points_by_day.get(day, 0) for day in days]

    def paint(axes: "Axes") -> None:
        axes.bar(range(len(days)), spent, color=Color.BLUE.drawn, width=0.7)
        for place, number in enumerate(spent):
            if number:
                axes.text(place, number, f"{number:,}", ha="center", va="bottom", size=8.5)
        if budget is not None:
            axes.axhline(budget, color=Color.RED.drawn, linewidth=1.4, linestyle="--")
            words = f"{budget:,} may be spent a day"
            axes.annotate(words, (-0.5, budget), (0, 4), textcoords="offset points", color=Color.RED.drawn)
        axes.set_ylim(0, max([*spent, budget or 1]) * 1.18)
        axes.set_xlim(-0.6, len(days) - 0.4)
        axes.set_yticks([])
        axes.set_xticks(range(1, len(days), 4), [f"{day:%d %b}" for day in days[1::4]])

    unit = ("CallGear point is", "CallGear points are")
    used = numbered(spent[-1], *unit) if budget is None else f"{spent[-1]:,} of {numbered(budget, *unit)}"
    return Chart(
        "points", f"{used} used today", "Points that the import has spent each day (UTC)", paint, margins=(8, 8, 24)
    )
