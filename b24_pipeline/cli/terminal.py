"""Where tables are printed."""

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 160


def wide_console() -> Console:
    """The terminal, or lines as long as they are where there is none: nothing is cut off in a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)
