"""The sandbox: one portal, one account, and everything that can be made to happen between them and a client."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock
from typing import Self

from b24_pipeline.sandbox import company, state
from b24_pipeline.sandbox.account import Account
from b24_pipeline.sandbox.bitrix24.api import Bitrix24Api
from b24_pipeline.sandbox.bitrix24.behavior import Bitrix24Behavior
from b24_pipeline.sandbox.callgear.api import Call, CallGearApi
from b24_pipeline.sandbox.callgear.behavior import CallGearBehavior
from b24_pipeline.sandbox.fault_responses import NOTHING, bitrix24_refusal, callgear_refusal, failed
from b24_pipeline.sandbox.faults import Fault, Faults
from b24_pipeline.sandbox.portal import Portal
from b24_pipeline.sandbox.practice import Importer, Practice, Switch
from b24_pipeline.sandbox.recording import Api, Phase, RequestSeen
from b24_pipeline.sandbox.responses import Answer, Delivery
from b24_pipeline.sandbox.types import Json

SECRET_PARAMETERS = ("access_token", "password")


class DropRequest(Exception):  # noqa: N818 - an order to the sandbox, not an error
    """Raised by ``Sandbox.on_request`` before acting: the request is not carried out, its connection is reset."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Real seconds that an answer takes; requests in flight overlap."""

    request: float = 0.0
    command: float = 0.0  # for each command of a batch, besides


@dataclass(frozen=True, slots=True)
class _Late:
    """A request that was answered with an error and is carried out all the same, when it is due."""

    due: float
    request: RequestSeen
    act: Callable[[], Answer]


class Sandbox:
    """Both systems in one process."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        bitrix24: Bitrix24Behavior | None = None,
        callgear: CallGearBehavior | None = None,
        latency: Latency | None = None,
    ) -> None:
        self.portal = Portal(clock=clock, behavior=bitrix24 or Bitrix24Behavior(), changed=self.save)
        self.account = Account(clock=clock, behavior=callgear or CallGearBehavior(), changed=self.save)
        self.requests: list[RequestSeen] = []  # every request so far, tokens removed
        self.faults = Faults()  # add to it what shall go wrong
        self.latency = latency or Latency()  # simulated seconds per request
        # called before and after a request is carried out; may raise ``DropRequest`` before
        self.on_request: Callable[[RequestSeen, Phase], None] | None = None
        self.lock = RLock()  # held while a request is carried out; hold it to change several things at once
        self._clock = clock
        self._late: list[_Late] = []
        self._state: Path | None = None
        self._bitrix24_api = Bitrix24Api(self.portal, clock=clock)
        self._callgear_api = CallGearApi(self.account, clock=clock)
        self.practice = Practice(self.portal, self.account, changed=self.save)
        self._other_importer = Importer(self.portal, self.account, self.practice)

    @classmethod
    def company(cls, **settings: Json) -> Self:
        """A company of about 250 people; settings as for the class; the CallGear limits are raised by default."""
        sandbox = cls(**{"callgear": company.RAISED_LIMITS, **settings})
        company.populate(sandbox.portal, sandbox.account)
        return sandbox

    @classmethod
    def crowd(cls, count: int, **settings: Json) -> Self:
        """A portal of ordinary people, one in a hundred dismissed, and an empty account; settings as for the class."""
        sandbox = cls(**settings)
        for number in range(count):
            sandbox.portal.hire(**company.person(number), ACTIVE=number % 100 != 99)
        return sandbox

    @classmethod
    def load(cls, path: Path, **settings: Json) -> Self:
        """The sandbox kept in a state file; every later change is saved there.

        Raises:
            ValueError: the file is no state of a sandbox.
        """
        sandbox = cls(**settings)
        sandbox.practice.on = {Switch(name) for name in state.restore(path, sandbox.portal, sandbox.account)}
        sandbox.keep(path)
        return sandbox

    def keep(self, path: Path) -> None:
        """Save now and after every change from now on."""
        self._state = path
        self.save()

    def save(self, path: Path | None = None) -> None:
        """Write the state file, by default the one that is kept, if any; replace it atomically, for its owner only."""
        file = path or self._state
        if file is not None:
            with self.lock:
                state.store(file, self.portal, self.account, switches=self.practice.on)

    @property
    def bitrix24(self) -> Bitrix24Behavior:
        """The switches of the portal; assign to change them."""
        return self.portal.behavior

    @bitrix24.setter
    def bitrix24(self, behavior: Bitrix24Behavior) -> None:
        self.portal.behavior = behavior

    @property
    def callgear(self) -> CallGearBehavior:
        """The switches of the account; assign to change them."""
        return self.account.behavior

    @callgear.setter
    def callgear(self, behavior: CallGearBehavior) -> None:
        self.account.behavior = behavior

    def writes(self) -> list[RequestSeen]:
        return [request for request in self.requests if request.is_write and request.acted]

    def violations(self) -> list[RequestSeen]:
        """The calls that no import may ever make: deleting an employee (R13)."""
        return [request for request in self.requests if request.method == "delete.employees"]

    def note(self, api: Api, method: str, params: dict[str, Json]) -> RequestSeen:
        kept = {name: value for name, value in params.items() if name not in SECRET_PARAMETERS}
        with self.lock:
            request = RequestSeen(len(self.requests) + 1, api, method, kept, self._clock())
            self.requests.append(request)
        return request

    def answer_bitrix24(
        self, request: RequestSeen, *, user_id: str, secret: str, params: dict[str, Json], moved_to: str
    ) -> Answer:
        """Answer a call of the webhook; ``moved_to`` is where a redirect leads by default."""
        return self._answer(
            request,
            lambda: self._bitrix24_api.answer(user_id=user_id, secret=secret, method=request.method, params=params),
            lambda fault: bitrix24_refusal(fault, self._bitrix24_api, request.method),
            moved_to=moved_to,
        )

    def answer_callgear(self, request: RequestSeen, call: Call, *, moved_to: str) -> Answer:
        """Answer a JSON-RPC call; ``moved_to`` is where a redirect leads by default."""

        def act() -> Answer:
            answer = self._callgear_api.answer(call)
            if answer.acted:
                self._other_importer.after(call.method, call.params)
            return answer

        return self._answer(
            request, act, lambda fault: callgear_refusal(fault, self._callgear_api, call), moved_to=moved_to
        )

    def _answer(
        self,
        request: RequestSeen,
        act: Callable[[], Answer],
        refused: Callable[[Fault], Answer | None],
        *,
        moved_to: str,
    ) -> Answer:
        with self.lock:
            due = [late for late in self._late if late.due <= self._clock()]
            self._late = [late for late in self._late if late not in due]
            for late in due:
                late.request.acted = late.act().acted
        fault = self.faults.met_by(request) or self.practice.fault_of(request)
        request.fault = fault.kind.name if fault else None
        try:
            self._tell(request, Phase.BEFORE)
        except DropRequest:
            return replace(NOTHING, delivery=Delivery.RESET, acted=False)
        answer: Answer | None = None
        if fault is None or fault.kind.acts:
            with self.lock:
                answer = act()
            request.acted = answer.acted
        elif fault.kind.acts_later:
            self._late.append(_Late(self._clock() + fault.seconds, request, act))
        self._tell(request, Phase.AFTER)
        if fault is None:
            return answer or NOTHING
        return failed(fault, answer, refused=refused, moved_to=moved_to)

    def _tell(self, request: RequestSeen, phase: Phase) -> None:
        if self.on_request is not None:
            self.on_request(request, phase)
