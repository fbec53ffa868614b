"""One call of the CallGear Data API over HTTP: envelope, budget, repeats (contract 1-4).

There is no method here or elsewhere in this package that deletes an employee.
"""

import json
import logging
import random as random_module
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from b24_pipeline.account import UNKNOWN_ACCOUNT, AccountIdentity
from b24_pipeline.callgear.auth import AccessToken, Login
from b24_pipeline.callgear.error_mapping import is_read
from b24_pipeline.callgear.exceptions import (
    AccountError,
    AccountFault,
    CallGearError,
    DayLimit,
    IncompleteReadError,
    MethodError,
    MinuteLimit,
    NotSent,
    RecordError,
    TransportError,
    UnknownOutcome,
)
from b24_pipeline.callgear.rate_limit import Permit, PointsBudget
from b24_pipeline.callgear.responses import Response, Result, read_response
from b24_pipeline.callgear.rows import label_of
from b24_pipeline.http import ProxyRefused, ResponseRefused, Secrets, describe_error

logger = logging.getLogger(__name__)

SYSTEM = "CallGear"
HEADERS = {"Content-Type": "application/json; charset=UTF-8"}
MAX_ATTEMPTS = 4
MAX_WRITES = 3
MAX_FULL_MINUTES = 10
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 8.0
MAX_REQUEST_SECONDS = 60.0
"""Taken for the longest a request may take where no time-out is set."""
NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class CallGear:
    """The API as one account's user; safe to use from several threads.

    Args:
        url: the endpoint, for example `https://dataapi.callgear.com/v2.0`.
        credentials: a key, or login and password.
        http: its time-outs hold, the one for reading for the whole answer; it is left open.
        budget: the account's points.
        user_id: the client-account user on whose behalf an agent calls; agents only (contract 1.5).
        random: a number in [0, 1), for the jitter between repeats.
    """

    def __init__(  # noqa: PLR0913 - what a client is made of, all but one by keyword
        self,
        url: str,
        *,
        credentials: AccessToken | Login,
        http: httpx.Client,
        budget: PointsBudget,
        user_id: int | None = None,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._url = url
        self.user_id = user_id
        self._http = http
        self.budget = budget
        self._random = random
        self._credentials = credentials
        self._logging_in = threading.Lock()
        self._session: str | None = None
        self._refusal: AccountError | None = None
        self._counting = threading.Lock()
        self._warned_deprecated = False
        self.requests_sent = 0
        self.points_spent = 0

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Result:
        """Call `method`.

        Reads are repeated a few times after a fault, anything after a fault in which nothing was sent and after a full
        minute. A session that has ended is renewed once. Once the account is refused, nothing is sent any more, by
        whichever thread (R18).

        Raises:
            UnknownOutcome: for a write: it may have happened (R18).
            CallGearError: any other of the tree in `exceptions`.
        """
        self._raise_refusal()
        try:
            return self._call(method, params or {})
        except AccountError as refusal:
            self._refusal = refusal
            raise

    def _raise_refusal(self) -> None:
        if self._refusal is not None:
            raise AccountError(str(self._refusal), fault=self._refusal.fault)

    def _call(self, method: str, params: Mapping[str, Any]) -> Result:
        if self.user_id is not None and method != "get.account":
            params = {**params, "user_id": self.user_id}
        token = self._token()
        try:
            return self._call_with_retries(method, {"access_token": token, **params})
        except AccountError as error:
            if isinstance(self._credentials, AccessToken) or not error.renewable:
                raise
        return self._call_with_retries(method, {"access_token": self._token(refused=token), **params})

    def _token(self, *, refused: str | None = None) -> str:
        """The key, or the token of a session other than the `refused` one's; one thread at a time logs in.

        Raises:
            AccountError: login or password are wrong; nobody logs in again after that.
        """
        if isinstance(self._credentials, AccessToken):
            return self._credentials.value
        with self._logging_in:
            self._raise_refusal()
            if self._session in {None, refused}:
                params = {"login": self._credentials.login, "password": self._credentials.password}
                try:
                    token = self._call_with_retries("login.user", params).fields().get("access_token")
                except AccountError as refusal:
                    self._refusal = refusal
                    raise
                if not isinstance(token, str) or not token:
                    raise UnknownOutcome("login.user: no access token in the response")
                self._session = token
            return self._session

    def pause(self, attempt: int, *, error: Exception) -> None:
        """Wait before repeat number `attempt`, from 1, of what failed with `error`: ever longer, with jitter.

        Raises:
            DeadlinePassed: the wait would pass the run's deadline.
        """
        longest = min(FIRST_PAUSE_SECONDS * 2**attempt, MAX_PAUSE_SECONDS)
        self.budget.pause(longest * (1 + self._random()) / 2, reason=error)

    def wait_for_in_flight_requests(self, *, since: float = 0.0) -> None:
        """Wait as long as one request may take: what CallGear may still be at work on is done by then.

        Args:
            since: seconds that have passed already since the last such request was given up.

        Raises:
            DeadlinePassed: the wait would pass the run's deadline.
        """
        read_timeout = self._http.timeout.read
        longest = MAX_REQUEST_SECONDS if read_timeout is None else read_timeout
        if since < longest:
            self.budget.pause(longest - since, reason="CallGear may still be processing a request without a response")

    def _call_with_retries(self, method: str, params: Mapping[str, Any]) -> Result:
        faults = full_minutes = 0
        while True:
            permit = self.budget.acquire()
            response = Response(UnknownOutcome(f"{method}: interrupted"))
            try:
                response = self._send(method, params)
            finally:
                self._record_usage(permit, method, response)
            match response.outcome:
                case Result() as result:
                    return result
                case MinuteLimit() as limit:
                    full_minutes += 1
                    if full_minutes >= MAX_FULL_MINUTES:
                        raise limit
                    logger.info("%s; the next attempt is when they are given again", limit)
                case TransportError() as fault:
                    faults += 1
                    if faults >= MAX_ATTEMPTS or (fault.outcome_unknown and not is_read(method)):
                        raise fault
                    self.pause(faults, error=fault)
                case error:
                    raise error

    def _record_usage(self, permit: Permit, method: str, response: Response) -> None:
        outcome, limits = response.outcome, response.metadata.limits
        if isinstance(outcome, MinuteLimit | DayLimit):
            self.budget.close(outcome)
        if isinstance(outcome, Result):
            with self._counting:
                self.points_spent += 1
                first_warning = response.metadata.deprecated and not self._warned_deprecated
                self._warned_deprecated |= first_warning
            if first_warning:
                logger.warning(
                    "CallGear will switch this version of its API off within two months: update b24-pipeline"
                )
        self.budget.release(permit, charged=isinstance(outcome, Result | UnknownOutcome), limits=limits)
        if isinstance(outcome, Result) and limits.day_remaining is None and method.startswith("get."):
            self.budget.apply_prior_usage()

    def _send(self, method: str, params: Mapping[str, Any]) -> Response:
        request_id = uuid.uuid4().hex
        envelope = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        content = json.dumps(envelope).encode("utf-8")
        with self._counting:
            self.requests_sent += 1
        try:
            request = self._http.build_request("POST", self._url, content=content, headers=HEADERS)
            response = self._http.send(request, follow_redirects=False)
        except NOTHING_SENT as error:
            return Response(_not_sent(method, error, timeout=self._http.timeout))
        except ResponseRefused as error:
            text = f"{method}: {error}: check what answers at CALLGEAR_API_URL"
            return Response(IncompleteReadError(text) if is_read(method) else UnknownOutcome(text))
        except httpx.RequestError as error:
            text = describe_error(error, system=SYSTEM, timeout=self._http.timeout)
            return Response(UnknownOutcome(f"{method}: {text}"))
        secrets = Secrets.of(keys=[params.get("access_token")], passwords=[params.get("password")])
        body = secrets.blank_body(response.content, status=response.status_code)
        return read_response(
            method, request_id=request_id, status=response.status_code, body=body, headers=response.headers
        )


def repeat_while_unknown(client: CallGear, write: Callable[[], object]) -> None:
    """Carry out a write that may happen twice, three times at most while its outcome is unknown.

    Raises:
        UnknownOutcome: also of the last one.
    """
    for attempt in range(1, MAX_WRITES + 1):
        try:
            write()
        except UnknownOutcome as error:
            if attempt == MAX_WRITES:
                raise
            client.pause(attempt, error=error)
        else:
            return


def _not_sent(method: str, error: httpx.RequestError, *, timeout: httpx.Timeout) -> CallGearError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        advice = "CallGear's certificate is not trusted: check the URL, or give the private CA bundle"
        return AccountError(f"{method}: {advice}", fault=AccountFault.CERTIFICATE)
    if isinstance(error, ProxyRefused):
        return AccountError(f"{method}: {error}", fault=AccountFault.PROXY)
    return NotSent(f"{method}: {describe_error(error, system=SYSTEM, timeout=timeout)}")


def read_account(client: CallGear) -> AccountIdentity:
    """The account that answers now, for one point; `UNKNOWN_ACCOUNT` where the token may not ask.

    Agents may not (contract 1.5). The client's user on whose behalf they call takes the place of the number.

    Raises:
        CallGearError: it cannot be asked.
    """
    if client.user_id is not None:
        return AccountIdentity(app_id=f"of user {client.user_id}")
    try:
        account = client.call("get.account").fields()
    except (MethodError, RecordError):
        return UNKNOWN_ACCOUNT
    return AccountIdentity(label_of(account.get("app_id")), label_of(account.get("name")))
