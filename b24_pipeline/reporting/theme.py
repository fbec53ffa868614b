"""The colors of the report: each has a role, and a value for light and for dark. Safe for color-blind eyes.

Pictures are drawn with the stand-ins; in the finished file they are CSS variables, so that one picture serves both.
"""

from enum import Enum


class Color(Enum):
    """The roles: the stand-in that each is drawn with, and what it is in light and in dark.

    The hues are those of Okabe and Ito, darkened or lightened until they can be read as text.
    """

    SURFACE = ("#010101", "#ffffff", "#161b21")
    INK = ("#010102", "#1b2127", "#e9edf1")
    MUTED = ("#010103", "#5b6570", "#9ca8b4")
    GRID = ("#010104", "#e6e9ed", "#2a323b")
    BLUE = ("#010105", "#0068a8", "#62b6ee")
    SKY = ("#010106", "#7cc4ee", "#2f7fb3")
    AMBER = ("#010107", "#a66900", "#f0b83c")
    RED = ("#010108", "#c04a00", "#ff915a")
    PURPLE = ("#010109", "#8f4583", "#dda6d1")
    GRAY = ("#01010a", "#b4bcc5", "#56616d")

    def __init__(self, drawn: str, light: str, dark: str) -> None:
        self.drawn, self.light, self.dark = drawn, light, dark
        self.css = f"var(--{self.name.lower()})"


def in_variables(svg: str) -> str:
    for color in Color:
        svg = svg.replace(color.drawn, color.css)
    return svg


def stylesheet() -> str:
    """The variables: light, dark where the reader prefers it, and always light on paper."""
    light = " ".join(f"--{color.name.lower()}: {color.light};" for color in Color)
    dark = " ".join(f"--{color.name.lower()}: {color.dark};" for color in Color)
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"@media print {{ :root {{ color-scheme: light; {light} }} }}"
    )
