"""One chart as a small SVG: drawn by Matplotlib, which is loaded only now, and finished for inlining."""

import io
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from b24_pipeline.reporting.theme import Color, in_variables

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS_AN_INCH = 72
HEADING = 44
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_NOISE = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>"
    r"| font-family: [^;\"]*;|(?<=<g) id=\"[^\"]*\"| transform=\"rotate\(-0 [^\"]*\"| clip-path=\"url\(#[^\"]*\)\"",
    re.DOTALL,
)
_EMPTY = re.compile(r"<g/>|<g>\s*</g>|<defs/>|<defs>\s*<clipPath.*?</defs>", re.DOTALL)
_OPENING = re.compile(r"<svg [^>]*>")
_PLACES = re.compile(r"(?<= )(?:d|x|y|transform)=\"[^\"]*\"")
_LONG_NUMBER = re.compile(r"-?\d+\.\d+")
_SPACE = re.compile(r"(?<=>)\s+(?=<)|\s*\n\s*(?=[A-Zz\"])")

STYLE: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 10.5,
    "axes.edgecolor": Color.GRID.drawn,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.labelcolor": Color.MUTED.drawn,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": "cycler('color', ['#010105'])",
    "xtick.color": Color.MUTED.drawn,
    "ytick.color": Color.MUTED.drawn,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "grid.color": Color.GRID.drawn,
    "grid.linewidth": 0.8,
    "text.color": Color.INK.drawn,
    "path.simplify": False,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: a heading with the finding, a line that explains the picture, and the picture.

    Its name is also the prefix of the ids in the SVG; the margins are left, right and below of the axes, in points.
    """

    name: str
    heading: str
    caption: str
    paint: "Callable[[Axes], None]"
    width: int = 440
    height: int = 250
    margins: tuple[int, int, int] = (36, 16, 24)


def draw(chart: Chart) -> str:
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a home that cannot be written to is no news here
    import matplotlib as mpl  # noqa: PLC0415 - it takes a second to load
    from matplotlib.figure import Figure  # noqa: PLC0415

    (left, right, below), width, height = chart.margins, chart.width, chart.height
    with mpl.rc_context({**STYLE, "svg.hashsalt": chart.name}):
        figure = Figure(figsize=(width / POINTS_AN_INCH, height / POINTS_AN_INCH))
        across, upward = (width - left - right) / width, (height - HEADING - below) / height
        chart.paint(figure.add_axes((left / width, below / height, across, upward)))
        figure.text(0, (height - 12) / height, chart.heading, size=13, weight="bold", va="center")
        figure.text(0, (height - 29) / height, chart.caption, color=Color.MUTED.drawn, va="center")
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return finished(content.getvalue(), chart=chart)


def finished(svg: str, *, chart: Chart) -> str:
    """The drawing without what a browser does not need, with ids of its own, in the page's fonts and colors."""
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-label="{escape(chart.heading)}" viewBox="0 0 {chart.width} {chart.height}" '
        f'style="font-family: {FONTS}; stroke-linejoin: round">'
    )
    svg = _OPENING.sub(lambda _: opening, _NOISE.sub("", svg).strip(), count=1)
    svg = _EMPTY.sub("", _EMPTY.sub("", svg))
    if "<g " not in svg:
        svg = svg.replace("<g>", "").replace("</g>", "")
    svg = svg.replace(' id="', f' id="{chart.name}-').replace('xlink:href="#', f'xlink:href="#{chart.name}-')
    svg = _PLACES.sub(lambda place: _LONG_NUMBER.sub(to_a_tenth, place.group()), svg)
    return in_variables(_SPACE.sub("", svg))


def to_a_tenth(number: re.Match[str]) -> str:
    return f"{float(number.group()):.1f}".removesuffix(".0")
