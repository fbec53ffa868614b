"""Strict checks of parameters: unknown, missing, wrong type (contract 1.2 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic
from b24_pipeline.sandbox.types import Json


class Kind(Enum):
    """JSON types, with the Python types of their values."""

    STRING = (str,)
    NUMBER = (int, float)
    BOOLEAN = (bool,)
    ARRAY = (list,)
    OBJECT = (dict,)

    def holds(self, value: Json) -> bool:
        return type(value) in self.value


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method."""

    kind: Kind  # its JSON type; null is accepted where it is optional
    required: bool = False
    # for an object, or an array of objects, the parameters inside; empty for anything
    members: Mapping[str, "Parameter"] = field(default_factory=dict)
    items: Kind | None = None  # for an array of plain values, their type


STRING = Parameter(Kind.STRING)
REQUIRED_STRING = Parameter(Kind.STRING, required=True)
NUMBER = Parameter(Kind.NUMBER)
REQUIRED_NUMBER = Parameter(Kind.NUMBER, required=True)
REQUIRED_BOOLEAN = Parameter(Kind.BOOLEAN, required=True)
ARRAY = Parameter(Kind.ARRAY)
OBJECT = Parameter(Kind.OBJECT)


def check(params: Mapping[str, Json], expected: Mapping[str, Parameter], *, inside: str = "") -> None:
    """Refuse the first fault: unknown, missing, then types in the order sent; `inside` is what they are members of."""
    unknown = [name for name in params if name not in expected]
    if unknown:
        raise CallGearError(Mnemonic.UNEXPECTED_PARAMETERS, field=_joined(inside, unknown[0]))
    for name, parameter in expected.items():
        if parameter.required and name not in params:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field=_joined(inside, name))
    for name, value in params.items():
        _check_value(value, expected[name], _joined(inside, name))


def _check_value(value: Json, parameter: Parameter, name: str) -> None:
    if value is None and not parameter.required:
        return
    if not parameter.kind.holds(value):
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field=name, value=value)
    if parameter.items is not None and not all(parameter.items.holds(item) for item in value):
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field=name, value=value)
    if parameter.members:
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field=name, value=value)
            check(item, parameter.members, inside=name)


def _joined(inside: str, name: str) -> str:
    return f"{inside}.{name}" if inside else name
