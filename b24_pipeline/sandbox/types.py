"""The type of what travels over the wire."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""Any JSON value: a portal's fields are of any type, and its blanks of several at once (contract 2.6)."""
