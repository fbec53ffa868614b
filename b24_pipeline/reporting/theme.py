"""The colors of the report: each has a role, and a value for light and for dark. Safe for color-blind eyes.

Pictures are drawn with the stand-ins; in the finished file they are CSS variables, so that one picture serves both.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Shade:
    """One color: the stand-in that it is drawn with, and what it is in light and in dark."""

    stand_in: str
    light: str
    dark: str


class Color(Enum):
    """The roles. The hues are those of Okabe and Ito, darkened or lightened until they can be read as text."""

    SURFACE = Shade("#010101", light="#ffffff", dark="#161b21")
    INK = Shade("#010102", light="#1b2127", dark="#e9edf1")
    MUTED = Shade("#010103", light="#5b6570", dark="#9ca8b4")
    GRID = Shade("#010104", light="#e6e9ed", dark="#2a323b")
    BLUE = Shade("#010105", light="#0068a8", dark="#62b6ee")
    SKY = Shade("#010106", light="#7cc4ee", dark="#2f7fb3")
    AMBER = Shade("#010107", light="#a66900", dark="#f0b83c")
    RED = Shade("#010108", light="#c04a00", dark="#ff915a")
    PURPLE = Shade("#010109", light="#8f4583", dark="#dda6d1")
    GRAY = Shade("#01010a", light="#b4bcc5", dark="#56616d")

    @property
    def drawn(self) -> str:
        """Return what it is drawn with."""
        return self.value.stand_in

    @property
    def css(self) -> str:
        """Return what it is in the finished file."""
        return f"var(--{self.name.lower()})"


def in_variables(svg: str) -> str:
    """The picture with CSS variables in place of the stand-ins."""
    for color in Color:
        svg = svg.replace(color.drawn, color.css)
    return svg


def declarations(*, dark: bool) -> str:
    """The variables of one of both appearances."""
    return " ".join(f"--{color.name.lower()}: {color.value.dark if dark else color.value.light};" for color in Color)


def stylesheet() -> str:
    """The variables: light, dark where the reader prefers it, and always light on paper."""
    return (
        f":root {{ color-scheme: light dark; {declarations(dark=False)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {declarations(dark=True)} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {declarations(dark=False)} }} }}"
    )
