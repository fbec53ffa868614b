"""The errors of the Data API: code, mnemonic, text (contract 4)."""

from enum import Enum

from b24_pipeline.sandbox.types import Json


class Mnemonic(Enum):
    """Every error the sandbox gives: the code and the text; the name in lower case is the mnemonic."""

    INVALID_REQUEST = (-32600, "Invalid request")
    METHOD_NOT_FOUND = (-32601, "Method not found")
    INTERNAL_ERROR = (-32603, "Internal error")
    ACCESS_TOKEN_INVALID = (-32001, "Access token is invalid")
    ACCESS_TOKEN_EXPIRED = (-32001, "Access token has expired")
    ACCESS_TOKEN_BLOCKED = (-32001, "Access token has been blocked")
    AUTH_ERROR = (-32001, "Invalid login or password")
    IP_NOT_WHITELISTED = (-32003, "Your IP {ip} is not whitelisted")
    FORBIDDEN = (-32003, "Permission denied")
    METHOD_COMPONENT_DISABLED = (-32008, "The component {components} is required for the method")
    ACCOUNT_INACTIVE = (-32009, "Account is inactive")
    LIMIT_EXCEEDED = (
        -32029,
        "Limit per {limit_type} has been exceeded. Value of current limit per {limit_type} is {limit_max_value}",
    )
    DATA_TYPE_ERROR = (-32602, "Invalid data type")
    REQUIRED_PARAMETER_MISSED = (-32602, "Required parameter is missed")
    INVALID_PARAMETER_VALUE = (-32602, "Invalid parameter value")
    UNEXPECTED_PARAMETERS = (-32602, "Unexpected parameters")
    SORT_PROHIBITED = (-32602, "Sort by the field is prohibited")
    ENTITY_NOT_FOUND = (-32602, "Entity has not been found")
    DEPENDENCY_ERROR = (-32602, "You have interdependent entities")
    DUPLICATE_ENTITY = (-32602, "Entity already exists")
    ALREADY_IN_USE = (-32602, "Value is already in use")
    DATA_LIMIT_EXCEEDED = (-32602, "Maximum amount of data has been reached")

    @property
    def word(self) -> str:
        return self.name.lower()


WITHOUT_LIMITS = frozenset(
    (
        Mnemonic.INVALID_REQUEST,
        Mnemonic.METHOD_NOT_FOUND,
        Mnemonic.ACCESS_TOKEN_INVALID,
        Mnemonic.ACCESS_TOKEN_EXPIRED,
        Mnemonic.ACCESS_TOKEN_BLOCKED,
        Mnemonic.AUTH_ERROR,
        Mnemonic.IP_NOT_WHITELISTED,
    )
)
WITH_NULL_ID = WITHOUT_LIMITS - {Mnemonic.METHOD_NOT_FOUND, Mnemonic.AUTH_ERROR}


class CallGearError(Exception):
    """A call is refused: raised by what carries it out before anything is changed, and answered by the entrance.

    Its data are the `field` it is about, nested parts joined by dots, its `value`, and the `params` that fill the
    placeholders of the text; None is left out.
    """

    def __init__(self, mnemonic: Mnemonic, **data: Json) -> None:
        super().__init__(mnemonic.word)
        self.mnemonic = mnemonic
        self._data = {name: value for name, value in data.items() if value is not None}

    def as_json(self, metadata: dict[str, Json]) -> dict[str, Json]:
        """The ``error`` member of an answer."""
        code, text = self.mnemonic.value
        data = {"mnemonic": self.mnemonic.word, "metadata": metadata, **self._data}
        return {"code": code, "message": text.format(**self._data.get("params", {})), "data": data}


def entity_not_found(field: str, value: Json) -> CallGearError:
    return CallGearError(Mnemonic.ENTITY_NOT_FOUND, field=field, value=value)


def invalid_value(field: str, value: Json) -> CallGearError:
    return CallGearError(Mnemonic.INVALID_PARAMETER_VALUE, field=field, value=value)
