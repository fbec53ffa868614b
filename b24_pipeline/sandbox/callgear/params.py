"""Strict checks of parameters: unknown, missing, wrong type (contract 1.2 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from b24_pipeline.sandbox.callgear.errors import CallGearError, Mnemonic
from b24_pipeline.sandbox.types import Json


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method."""

    types: tuple[type, ...]  # what its value is in Python; null is accepted where it is optional
    required: bool = False
    members: Mapping[str, "Parameter"] = field(default_factory=dict)  # of an object; empty for anything
    items: "Parameter | None" = None  # of an array; None for anything


STRING = Parameter((str,))
REQUIRED_STRING = Parameter((str,), required=True)
NUMBER = Parameter((int, float))
REQUIRED_NUMBER = Parameter((int, float), required=True)
REQUIRED_BOOLEAN = Parameter((bool,), required=True)
ARRAY = Parameter((list,))
OBJECT = Parameter((dict,))


def check(params: Mapping[str, Json], expected: Mapping[str, Parameter], *, inside: str = "") -> None:
    """Refuse the first fault: unknown, missing, then types in the order sent; `inside` begins the names of members."""
    unknown = [name for name in params if name not in expected]
    if unknown:
        raise CallGearError(Mnemonic.UNEXPECTED_PARAMETERS, field=inside + unknown[0])
    for name, parameter in expected.items():
        if parameter.required and name not in params:
            raise CallGearError(Mnemonic.REQUIRED_PARAMETER_MISSED, field=inside + name)
    for name, value in params.items():
        _check_value(value, expected[name], inside + name)


def _check_value(value: Json, parameter: Parameter, name: str) -> None:
    if value is None and not parameter.required:
        return
    if type(value) not in parameter.types:
        raise CallGearError(Mnemonic.DATA_TYPE_ERROR, field=name, value=value)
    if parameter.members:
        check(value, parameter.members, inside=f"{name}.")
    if parameter.items is not None:
        for item in value:
            _check_value(item, parameter.items, name)
