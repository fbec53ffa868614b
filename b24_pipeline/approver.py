"""The approver of a held run, and the comment that may be kept with the approval (R16)."""

import os
import pwd
import unicodedata
from collections.abc import Mapping

MAX_COMMENT_LENGTH = 500
DAGSTER_USER_TAG = "user"
"""The tag in which Dagster+ names who launched a run; the open-source UI knows no users."""
REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
JOINERS = "\u200c\u200d"
"""Persian and Indic scripts need them."""


def system_user() -> str:
    """Return the name of the operating system's user, or its number where it has none; with who called sudo."""
    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = f"uid {user}"
    caller = "".join(filter(str.isprintable, os.environ.get("SUDO_USER", "")))
    return f"{name} (sudo by {caller})" if caller and caller != name else name


def dagster_user(tags: Mapping[str, str]) -> str:
    """Return who launched a Dagster run, as far as its tags say so."""
    return "".join(filter(str.isprintable, tags.get(DAGSTER_USER_TAG, ""))) or "dagster ui"


def valid_comment(typed: str) -> str:
    """Return the comment without white space around it.

    Raises:
        ValueError: it is too long or not one line of plain text; the message says which.
    """
    comment = typed.strip()
    if len(comment) > MAX_COMMENT_LENGTH:
        raise ValueError(f"has {len(comment)} characters; at most {MAX_COMMENT_LENGTH} are kept")
    if any(unicodedata.category(letter) in REFUSED_CATEGORIES and letter not in JOINERS for letter in comment):
        raise ValueError("must be one line of text without control characters")
    return comment
