"""The portal's dates: stored as Unix seconds, shown at UTC+3."""

from datetime import datetime, timedelta, timezone

PORTAL_ZONE = timezone(timedelta(hours=3))


def iso(seconds: float) -> str:
    """Unix seconds as the portal writes them, ``2026-01-01T12:00:00+03:00``."""
    return datetime.fromtimestamp(int(seconds), PORTAL_ZONE).isoformat()


def shown(seconds: float, layout: str) -> str:
    """Unix seconds in a format without a zone."""
    return datetime.fromtimestamp(int(seconds), PORTAL_ZONE).strftime(layout)
