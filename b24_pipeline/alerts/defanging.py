"""Keeps texts from outside from becoming links: mail clients and chats make one of every name with a dot in it."""

import re

OUR_NAMES = (
    r"\b(?:user\.(?:get|current|search)|department\.get|log(?:in|out)\.user)\b",
    r"\b(?:create|delete|get|update)\.(?:account|(?:deal_)?employees|sip_lines)\b",
    r"\.duckdb\b",
)
"""Methods and files that our own messages name; none ends in a top-level domain."""
DOTS = ".。．｡․"
"""Those that browsers, too, take for one in a host name."""
DOT_OF_A_HOST = rf"(?<=\S)[{DOTS}](?=[\d_-]*[^\W\d_][^\s.,;:!?)])"
"""Before a label of two characters or more that is no number: not in `e.g.`, `J. Smith` or 203.0.113.70."""
BREAKABLE = re.compile(rf"(?P<kept>{'|'.join(OUR_NAMES)})|{DOT_OF_A_HOST}", re.IGNORECASE)


def defanged(text: str) -> str:
    """The text with `[.]` within what could be a host name, as is usual where people are told of hostile addresses."""
    return BREAKABLE.sub(lambda found: found["kept"] or "[.]", text)
