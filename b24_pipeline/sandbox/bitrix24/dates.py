"""The portal's dates: stored as Unix seconds, shown at UTC+3."""

from datetime import datetime, timedelta, timezone

PORTAL_ZONE = timezone(timedelta(hours=3))
_PORTAL_FORMATS = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y")


def iso(seconds: float) -> str:
    """Unix seconds as the portal writes them, ``2026-01-01T12:00:00+03:00``."""
    return datetime.fromtimestamp(int(seconds), PORTAL_ZONE).isoformat()


def local_text(seconds: float) -> str:
    """Unix seconds in the portal's display format, without a zone."""
    return datetime.fromtimestamp(int(seconds), PORTAL_ZONE).strftime(_PORTAL_FORMATS[0])


def activity_text(seconds: float) -> str:
    """Unix seconds as ``LAST_ACTIVITY_DATE`` shows them in a batch."""
    return datetime.fromtimestamp(int(seconds), PORTAL_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def parsed(text: object) -> float | None:
    """Unix seconds of ISO 8601 with an offset or of the portal's display format; None for anything else."""
    if not isinstance(text, str):
        return None
    return _parsed_iso(text) or _parsed_local(text)


def _parsed_iso(text: str) -> float | None:
    if "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def _parsed_local(text: str) -> float | None:
    for layout in _PORTAL_FORMATS:
        try:
            return datetime.strptime(text, layout).replace(tzinfo=PORTAL_ZONE).timestamp()
        except ValueError:
            continue
    return None
