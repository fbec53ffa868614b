"""The project folder: the checkout, or what `b24-pipeline init` has made. Elsewhere all files go into one folder."""

from pathlib import Path

PROJECT_FILE = "dagster.yaml"
WORKSPACE = "workspace.yaml"
CHECKOUT = Path(__file__).resolve().parents[1]
"""Where the code lies: a project folder, unless it is an installed package."""
SHIPPED = Path(__file__).parent / "project"
"""The files of a project folder. In the checkout they are links to its own: each exists once."""


def is_checkout() -> bool:
    """Return whether the code lies in a project folder."""
    return (CHECKOUT / PROJECT_FILE).is_file()


def in_checkout() -> bool:
    """Return whether we are in the checkout, where there is a Makefile."""
    return is_checkout() and Path.cwd() == CHECKOUT


def in_project() -> bool:
    """Return whether relative paths count from a project folder; the `dagster.yaml` of another project makes none."""
    if is_checkout():
        return True
    try:
        return "b24_pipeline" in Path(PROJECT_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
