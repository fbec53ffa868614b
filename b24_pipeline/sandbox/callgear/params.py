"""Strict checks of parameters: unknown, missing, wrong type (contract 1.2 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic
from b24_pipeline.sandbox.types import Json


class Kind(Enum):
    """JSON types as the manual names them."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"

    def holds(self, value: Json) -> bool:
        """Whether the value is of this type."""
        if self is Kind.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        wanted: dict[Kind, type] = {
            Kind.STRING: str,
            Kind.BOOLEAN: bool,
            Kind.ARRAY: list,
            Kind.OBJECT: dict,
        }
        return isinstance(value, wanted[self])


class Presence(Enum):
    """Whether a parameter must be sent."""

    REQUIRED = "required"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method.

    Attributes:
        kind: its JSON type; null is accepted where it is optional.
        presence: required or optional.
        members: for an object, or an array of objects, the parameters inside; empty for anything.
        items: for an array of plain values, their type.
        values: the only values a string may have; empty for any.
    """

    kind: Kind
    presence: Presence = Presence.OPTIONAL
    members: Mapping[str, "Parameter"] = field(default_factory=dict)
    items: Kind | None = None
    values: tuple[str, ...] = ()


STRING = Parameter(Kind.STRING)
REQUIRED_STRING = Parameter(Kind.STRING, Presence.REQUIRED)
NUMBER = Parameter(Kind.NUMBER)
REQUIRED_NUMBER = Parameter(Kind.NUMBER, Presence.REQUIRED)
BOOLEAN = Parameter(Kind.BOOLEAN)
REQUIRED_BOOLEAN = Parameter(Kind.BOOLEAN, Presence.REQUIRED)
ARRAY = Parameter(Kind.ARRAY)
OBJECT = Parameter(Kind.OBJECT)


def check(params: Mapping[str, Json], expected: Mapping[str, Parameter], *, inside: str = "") -> None:
    """Check parameters against what a method expects.

    Args:
        params: what was sent.
        expected: the parameters by name.
        inside: name of the parameter they are members of.

    Raises:
        CallGearError: the first fault found: unknown, missing, then types in the order sent.
    """
    unknown = [name for name in params if name not in expected]
    if unknown:
        raise CallGearError(Mnemonic.UNEXPECTED_PARAMETERS, field=_joined(inside, unknown[0]))
    for name, parameter in expected.items():
        if parameter.presence is Presence.REQUIRED and name not in params:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field=_joined(inside, name))
    for name, value in params.items():
        _check_value(value, expected[name], _joined(inside, name))


def _check_value(value: Json, parameter: Parameter, name: str) -> None:
    if value is None and parameter.presence is Presence.OPTIONAL:
        return
    if not parameter.kind.holds(value):
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field=name, value=value)
    if parameter.values and value not in parameter.values:
        raise CallGearError(Mnemonic.INVALID_PARAMETER_VALUE, field=name, value=value)
    if parameter.items is not None and not all(parameter.items.holds(item) for item in value):
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field=name, value=value)
    if parameter.members:
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field=name, value=value)
            check(item, parameter.members, inside=name)


def _joined(inside: str, name: str) -> str:
    return f"{inside}.{name}" if inside else name
