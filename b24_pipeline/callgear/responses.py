"""From the bytes of one answer to a result or an error, whatever the HTTP status says (contract 1.1, 1.2, 1.6)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from b24_pipeline.callgear.error_mapping import to_exception
from b24_pipeline.callgear.exceptions import CallGearError, IncompleteReadError, UnknownOutcome
from b24_pipeline.callgear.rate_limit import Limits
from b24_pipeline.callgear.rows import Row, count_of, mapping
from b24_pipeline.http import describe_sender


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata of a response; every part may be missing."""

    limits: Limits = field(default_factory=Limits)
    total_items: int | None = None
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A successful answer. `data` is a list of rows, an object, or the bare members of `result` (contract 1.6)."""

    data: Any
    metadata: Metadata

    def rows(self) -> list[Row]:
        """The rows of a `get.*` answer.

        Raises:
            IncompleteReadError: the answer is no list of objects.
        """
        if not isinstance(self.data, list) or not all(isinstance(row, dict) for row in self.data):
            raise IncompleteReadError("the response to a read is not a list of objects")
        return self.data

    def fields(self) -> Row:
        """The members of an answer that is one object, also where it comes as the only row of a list."""
        return mapping(self.data[0] if isinstance(self.data, list) and self.data else self.data)


@dataclass(frozen=True, slots=True)
class Response:
    """One response: a result or an error, and the remaining points."""

    outcome: Result | CallGearError
    metadata: Metadata = field(default_factory=Metadata)


def read_response(
    method: str, *, request_id: str, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict):
        sender = describe_sender(status, body, headers)
        if sender is None:
            return _broken(method, status, "no JSON object in the response")
        foreign = f"something other than CallGear's API answered, {sender}"
        return _broken(method, status, f"{foreign}: check CALLGEAR_API_URL, the proxy and the firewall")
    error, answered_id = envelope.get("error"), envelope.get("id")
    if answered_id is not None and answered_id != request_id:
        return _broken(method, status, "the response belongs to another request")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return Response(to_exception(method, error), _metadata(mapping(error.get("data"))))
    result = envelope.get("result")
    if error is not None or not isinstance(result, dict) or answered_id is None:
        return _broken(method, status, "the response has neither a result nor an error")
    metadata = _metadata(result)
    return Response(Result(_data(result), metadata), metadata)


def _broken(method: str, status: int, reason: str) -> Response:
    return Response(UnknownOutcome(f"{method}: HTTP {status}, {reason}"))


def _data(result: Row) -> Any:  # noqa: ANN401 - the shape depends on the method
    """`result.data`; without it the members themselves. An id beside an object joins it (contract 1.6)."""
    members = {name: value for name, value in result.items() if name not in ("data", "metadata", "meta_data")}
    data = result.get("data", members)
    return members | data if isinstance(data, dict) else data


def _metadata(holder: Mapping[str, Any]) -> Metadata:
    reported = mapping(holder.get("metadata") or holder.get("meta_data"))
    return Metadata(
        limits=Limits.of(reported),
        total_items=count_of(reported.get("total_items")),
        deprecated=mapping(reported.get("api_version")).get("current_version_deprecated") is True,
    )
