"""What the sandbox remembers of each request."""

from dataclasses import dataclass
from enum import StrEnum

from b24_pipeline.sandbox.types import Json


class Api(StrEnum):
    BITRIX24 = "bitrix24"
    CALLGEAR = "callgear"


class Phase(StrEnum):
    """Where a request stands when ``Sandbox.on_request`` is called."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(slots=True)
class RequestSeen:
    """One request, without its token."""

    number: int  # 1 for the first request that the sandbox served
    api: Api
    method: str  # ``user.get``, ``create.employees``, ...; empty where the request names none
    params: dict[str, Json]  # the parameters, without ``access_token`` and ``password``
    at: float  # when it came, by the sandbox's clock
    acted: bool = False  # the server carried it out, also where the answer was then lost; an error answer is not acting
    fault: str | None = None  # name of the fault it met

    @property
    def is_write(self) -> bool:
        return self.api is Api.CALLGEAR and self.method.startswith(("create.", "update.", "delete."))
