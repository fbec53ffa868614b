"""The page at ``/``: both directories side by side, a form to hire, edit and dismiss, and the switches to practice."""

import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from b24_pipeline.same_origin import loopback_hosts, refusal
from b24_pipeline.sandbox.practice import DESCRIPTIONS, Switch
from b24_pipeline.sandbox.sandbox import Sandbox
from b24_pipeline.sandbox.types import Json

if TYPE_CHECKING:
    from jinja2 import Environment

FORM = (
    ("NAME", "First name"),
    ("LAST_NAME", "Last name"),
    ("SECOND_NAME", "Patronymic"),
    ("EMAIL", "E-mail"),
    ("WORK_PHONE", "Work phone"),
    ("PERSONAL_MOBILE", "Mobile"),
    ("PERSONAL_PHONE", "Landline"),
)
MAX_ROWS = 500
LAST_CALLS = 12
Endpoint = Callable[[Request], Awaitable[Response]]


def page_routes(sandbox: Sandbox) -> list[Route]:
    portal = sandbox.portal

    async def show(request: Request) -> Response:
        user_id = request.query_params.get("edit", "")
        edited = portal.users.get(int(user_id)) if user_id.isdecimal() else None
        form = {"title": "Hire somebody", "action": "/people/hire", "button": "Hire"}
        if edited:
            form = {"title": f"Edit user {edited['ID']}", "action": f"/people/{edited['ID']}/edit", "button": "Save"}
        fields = [{"name": name, "label": label, "value": (edited or {}).get(name) or ""} for name, label in FORM]
        switches = [
            {"name": switch.value, "title": title, "text": text, "is_on": switch in sandbox.practice.on}
            for switch, (title, text) in DESCRIPTIONS.items()
        ]
        return _page("page.html", form={**form, "fields": fields}, switches=switches, **_directories(sandbox))

    async def directories(_: Request) -> Response:
        return _page("directories.html", **_directories(sandbox))

    hire = _changing(sandbox, lambda _, fields: portal.hire(**{key: text for key, text in fields.items() if text}))
    edit = _changing(sandbox, lambda user_id, fields: portal.edit(user_id, **fields))
    dismiss = _changing(sandbox, lambda user_id, _: portal.dismiss(user_id))
    reinstate = _changing(sandbox, lambda user_id, _: portal.reinstate(user_id))

    async def switch(request: Request) -> Response:
        name, to = request.path_params["switch"], request.path_params["to"]
        turn = {"on": sandbox.practice.turn_on, "off": sandbox.practice.turn_off}.get(to)
        if turn is None or name not in list(Switch):
            return PlainTextResponse("There is no such switch.", status_code=404)
        with sandbox.lock:
            turn(Switch(name))
        return RedirectResponse("/#practice", status_code=303)

    return [
        Route("/", _own(show), methods=["GET"]),
        Route("/directories", _own(directories), methods=["GET"]),
        Route("/people/hire", _own(hire), methods=["POST"]),
        Route("/people/{user_id:int}/edit", _own(edit), methods=["POST"]),
        Route("/people/{user_id:int}/dismiss", _own(dismiss), methods=["POST"]),
        Route("/people/{user_id:int}/reinstate", _own(reinstate), methods=["POST"]),
        Route("/practice/{switch}/{to}", _own(switch), methods=["POST"]),
    ]


def _changing(sandbox: Sandbox, change: Callable[[int, dict[str, str]], object]) -> Endpoint:
    """A change of one user by the fields of the form."""

    async def answer(request: Request) -> Response:
        sent = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        fields = {name: sent[name] for name, _ in FORM if name in sent}
        try:
            with sandbox.lock:
                change(request.path_params.get("user_id", 0), fields)
        except KeyError:
            return PlainTextResponse("There is no such user.", status_code=404)
        return RedirectResponse("/", status_code=303)

    return answer


def _own(endpoint: Endpoint) -> Endpoint:
    """The endpoint, for nobody else's web page: none is to read these people, or to hire anybody."""

    async def answer(request: Request) -> Response:
        reason = refusal(request.scope, known_hosts=loopback_hosts(request.scope["server"][1]))
        return await endpoint(request) if reason is None else PlainTextResponse(reason, status_code=403)

    return answer


@cache
def _templates() -> "Environment":
    """What draws the page; loaded when somebody opens it, which nobody does during `sync`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=PackageLoader("b24_pipeline.sandbox", package_path="."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )


def _page(template: str, **values: Json) -> Response:
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return HTMLResponse(_templates().get_template(template).render(nonce=nonce, **values), headers=headers)


def _directories(sandbox: Sandbox) -> dict[str, Json]:
    with sandbox.lock:
        portal, account = sandbox.portal, sandbox.account
        limits = account.points.limits(account.behavior)
        return {
            "users": [portal.users[user_id] for user_id in reversed(portal.ids[-MAX_ROWS:])],
            "user_count": len(portal.users),
            "employees": list(account.employees.values())[: -MAX_ROWS - 1 : -1],
            "employee_count": len(account.employees),
            "owners": list(account.responsible.items())[:MAX_ROWS],
            "owners_with_deals": account.owners_with_deals,
            "owner_count": len(account.responsible),
            "calls": [
                (f"{datetime.fromtimestamp(seen.at, UTC):%H:%M:%S}", seen)
                for seen in reversed(sandbox.requests[-LAST_CALLS:])
            ],
            "call_count": len(sandbox.requests),
            "points": f"{limits['minute_remaining']} / {limits['minute_limit']} a minute, "
            f"{limits['day_remaining']} / {limits['day_limit']} a day",
        }
