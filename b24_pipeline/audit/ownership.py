"""Whose a file is, for messages: most often somebody has run a command as root."""

import os
import pwd
from pathlib import Path


def owner_note(*paths: Path) -> str:
    """Say of the first of these files that is not ours whose it is; an empty text where all are ours, or not there."""
    for path in paths:
        try:
            owner = path.stat().st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            return f" {path} belongs to {user_name(owner)}, and this process runs as {user_name(os.geteuid())}."
    return ""


def user_name(number: int) -> str:
    """The name of a user of this machine, or the number of one that it does not know."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
