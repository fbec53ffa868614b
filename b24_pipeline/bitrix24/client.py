"""The Bitrix24 webhook client: one call, one batch; everything it knows how to do is read (contract 1 - 4)."""

import logging
import math
import random as randomness
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx

from b24_pipeline import __version__
from b24_pipeline.bitrix24 import admin_mode
from b24_pipeline.bitrix24.exceptions import (
    AccountError,
    Bitrix24Error,
    OperationLimit,
    RateLimited,
    RetryableError,
    TransportError,
)
from b24_pipeline.bitrix24.rate_limit import LeakyBucket, portal_bucket
from b24_pipeline.bitrix24.responses import (
    Envelope,
    error_of,
    mapping,
    number,
    read_response,
    transport_error,
    whole_number,
)
from b24_pipeline.bitrix24.retry import Retrier, RetryLimits
from b24_pipeline.bitrix24.webhook import WebhookAddress

logger = logging.getLogger(__name__)
T = TypeVar("T")

READS: Final = frozenset({"batch", "department.get", "profile", "scope", "user.get"})
"""All that is ever called: harmless to repeat."""

COMMANDS_IN_BATCH: Final = 50
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS: Final = 3
_HEADERS: Final = {"Accept": "application/json", "User-Agent": f"b24-pipeline/{__version__}"}


@dataclass(frozen=True, slots=True)
class BatchResponse:
    """Results of a batch's commands: each is in `results`, or in `errors`, or (not executed) in neither."""

    results: Mapping[str, Any]
    errors: Mapping[str, Bitrix24Error]
    totals: Mapping[str, int]


class Bitrix24:
    """One portal, read through one webhook. Thread-safe as far as its `httpx.Client` is.

    `clock` tells Unix seconds; `random` gives numbers from 0 to 1. A portal's clients share its `bucket`. Nothing is
    repeated after the time `deadline` of `clock`, and nothing is waited for any longer.
    """

    def __init__(  # noqa: PLR0913 - time and chance are passed in
        self,
        webhook_url: str,
        *,
        http: httpx.Client,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
        bucket: LeakyBucket | None = None,
        retries: RetryLimits | None = None,
        deadline: float = math.inf,
    ) -> None:
        self._address = WebhookAddress.of(webhook_url)
        self._configured_address = self._address
        self._http = http
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._bucket = bucket or portal_bucket(self._address.host)
        self._retries = retries or RetryLimits()
        self._deadline = deadline
        self._lock = threading.Lock()
        self.requests_sent = 0
        self._admin_mode: bool | None = None
        self._extra_text_warned = False
        self._resets_at: float | None = None

    def __repr__(self) -> str:
        return f"Bitrix24({self.host})"

    @property
    def host(self) -> str:
        return self._address.host

    @property
    def moved_to(self) -> str | None:
        """The portal's new host, when it was renamed (contract 1.6), or the same with another port."""
        return self._address.changed_host(self._configured_address)

    def set_prior_usage(self, requests: int, *, seconds_ago: float) -> None:
        """Leave room for the requests of the runs before, which another process may have sent."""
        self._bucket.count_sent(requests, seconds_ago=seconds_ago)

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Envelope:
        """Call a method, repeating it when that may help.

        Raises:
            Bitrix24Error: it does not work.
        """
        return self._repeating(lambda: self.call_once(method, params))

    def batch(self, commands: Mapping[str, str], *, halt: int = 1) -> BatchResponse:
        """Send up to 50 commands (name → `method?query`), in their order, as one request; repeated when that may help.

        Errors of single commands are in the answer; with `halt=1` the first of them ends the batch (contract 3.3).

        Raises:
            Bitrix24Error: the batch as a whole does not work.
        """
        return self._repeating(lambda: self.batch_once(commands, halt=halt))

    def batch_all_or_nothing(
        self, commands: Mapping[str, str], *, optional_commands: Mapping[str, str] | None = None
    ) -> BatchResponse:
        """As `batch`, but an error of one command is an error of all; `optional_commands` follow and may fail."""

        def attempt() -> BatchResponse:
            response = self.batch_once({**commands, **(optional_commands or {})})
            for name in commands:
                if name in response.errors:
                    raise response.errors[name]
            if not commands.keys() <= response.results.keys():
                raise TransportError("batch: not all commands were answered")
            return response

        return self._repeating(attempt)

    def retrier(self) -> Retrier:
        """The bounds of repeating one operation; no pause ends after the run's deadline."""
        deadline = min(self._clock() + self._retries.deadline, self._deadline)
        return Retrier(self._retries, deadline, clock=self._clock, sleep=self._sleep, random=self._random)

    def batch_once(self, commands: Mapping[str, str], *, halt: int = 1) -> BatchResponse:
        """As `batch`, but never repeated. Users are listed in administrator mode, where the portal takes that.

        The first lists of users decide; where these are refused, the batch is sent again without it.
        """
        if not 1 <= len(commands) <= COMMANDS_IN_BATCH:
            raise ValueError(f"a batch holds 1 to {COMMANDS_IN_BATCH} commands, these are {len(commands)}")
        if self._admin_mode is False:
            return self._send_batch(commands, halt)
        response = self._send_batch(admin_mode.in_admin_mode(commands), halt)
        taken = admin_mode.is_taken(commands, response.results, response.errors)
        if taken is False and not self._admin_mode:  # another thread may have decided meanwhile
            response = self._send_batch(commands, halt)
            taken = False if admin_mode.is_taken(commands, response.results, response.errors) else None
        self._admin_mode = taken if self._admin_mode is None else self._admin_mode
        return response

    def _send_batch(self, commands: Mapping[str, str], halt: int) -> BatchResponse:
        methods = {name: _read_only(command.partition("?")[0]) for name, command in commands.items()}
        maps = mapping(self.call_once("batch", {"halt": halt, "cmd": dict(commands)}).result)
        if "result" not in maps and "result_error" not in maps:
            raise TransportError("batch: an answer without the commands' results")
        times = [mapping(time) for time in mapping(maps.get("result_time")).values()]
        resets = [number(time.get("operating_reset_at")) or 0.0 for time in times]
        self._resets_at = max(resets, default=0) or self._resets_at
        totals = {name: whole_number(total) for name, total in mapping(maps.get("result_total")).items()}
        errors = {
            name: error_of(methods.get(name, "batch"), 200, mapping(error))
            for name, error in mapping(maps.get("result_error")).items()
        }
        for error in errors.values():
            self._set_reset(error)
        return BatchResponse(
            results=mapping(maps.get("result")),
            errors=errors,
            totals={name: total for name, total in totals.items() if total is not None},
        )

    def call_once(self, method: str, params: Mapping[str, Any] | None = None) -> Envelope:
        """As `call`, but never repeated; the portal is followed when it was renamed.

        Raises:
            Bitrix24Error: it does not work.
        """
        body = dict(params or {})
        if self._admin_mode and method == admin_mode.LISTS_USERS:
            body[admin_mode.PARAMETER] = True
        address = self._address
        response = self._post(address, _read_only(method), body)
        for _ in range(_MAX_REDIRECTS):
            if response.status_code not in _REDIRECTS:
                return self._read(method, response)
            address = address.follow_redirect(method, response.headers.get("Location", ""))
            response = self._post(address, method, body)
            with self._lock:
                known, self._address = self._address, address
            if moved_to := address.changed_host(known):
                logger.warning(
                    "The portal has moved to the host %s: put its new address into BITRIX24_WEBHOOK_URL", moved_to
                )
        raise AccountError(f"{method}: too many redirects: check BITRIX24_WEBHOOK_URL")

    def _repeating(self, attempt: Callable[[], T]) -> T:
        retrier = self.retrier()
        while True:
            try:
                return attempt()
            except RetryableError as error:
                retrier.wait_or_raise(error)

    def _read(self, method: str, response: httpx.Response) -> Envelope:
        try:
            envelope = read_response(method, response.status_code, response.content, headers=response.headers)
        except RateLimited:
            self._bucket.mark_full()
            raise
        except OperationLimit as error:
            self._set_reset(error)
            raise
        self._resets_at = envelope.resets_at or self._resets_at
        if envelope.extra_text and not self._extra_text_warned:
            self._extra_text_warned = True
            logger.warning(
                "The portal sends other text around its JSON, which is ignored: %s. Let its administrator fix that,"
                " or switch PHP's display_errors off",
                envelope.extra_text,
            )
        return envelope

    def _post(self, address: WebhookAddress, method: str, body: Mapping[str, Any]) -> httpx.Response:
        if not self._bucket.acquire(within=self.seconds_left()):
            raise TransportError(f"{method}: the portal's rate limit leaves no request in the time that is left")
        with self._lock:
            self.requests_sent += 1
        timeout, left = self._http.timeout, self.seconds_left()
        if timeout.read is not None and 0 < left < timeout.read:
            timeout = httpx.Timeout(left, connect=min(left, timeout.connect or left))
        # Raised outside the `except`: httpx's exceptions carry the request, and with it the secret, as their context.
        failure: Bitrix24Error
        try:
            request = self._http.build_request(
                "POST", address.url(method), json=body, headers=_HEADERS, timeout=timeout
            )
            return self._http.send(request, follow_redirects=False)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            failure = transport_error(method, error, timeout=timeout)
        raise failure

    def seconds_left(self) -> float:
        """Until the deadline."""
        return self._deadline - self._clock()

    def _set_reset(self, error: Bitrix24Error) -> None:
        """The last successful answer tells when a used-up method is free again (contract 4.2)."""
        if isinstance(error, OperationLimit):
            error.resets_at = error.resets_at or self._resets_at


def _read_only(method: str) -> str:
    if method not in READS:
        raise ValueError(f"this client only reads: {', '.join(sorted(READS))}; not {method}")
    return method
