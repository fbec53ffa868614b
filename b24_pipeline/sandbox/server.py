"""Serves a sandbox on loopback; nothing of the web server is imported before that."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from b24_pipeline.sandbox.bitrix24.api import SECRET
from b24_pipeline.sandbox.callgear.api import ACCESS_TOKEN, LOGIN, PASSWORD
from b24_pipeline.sandbox.company import RAISED_LIMITS
from b24_pipeline.sandbox.sandbox import Sandbox
from b24_pipeline.sandbox.types import Json

HOST = "127.0.0.1"
IDLE_SECONDS = 600


class Server:
    """A running server: where it is on loopback, and what opens it."""

    access_token = ACCESS_TOKEN
    login = LOGIN
    password = PASSWORD

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.port = port
        self.page_url = f"http://{HOST}:{port}/"
        self.callgear_url = f"{self.page_url}v2.0"

    @property
    def webhook_url(self) -> str:
        return f"{self.page_url}rest/{self.sandbox.portal.owner}/{SECRET}/"


@contextmanager
def serve(sandbox: Sandbox, *, port: int = 0) -> Iterator[Server]:
    """Serve a sandbox from a thread of its own; on exit every connection is broken at once. Port 0 is a free one.

    Raises:
        OSError: the port is taken.
    """
    stopping = asyncio.Event()
    ready: Future[None] = Future()
    # asyncio sends without delay only where the protocol is named
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        loop = asyncio.new_event_loop()

        def host() -> None:
            try:
                loop.run_until_complete(_host(sandbox, listener, ready, stopping))
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                ready.set_exception(error)

        thread = threading.Thread(target=host, name="sandbox", daemon=True)
        thread.start()
        try:
            ready.result()
            yield Server(sandbox, listener.getsockname()[1])
        finally:
            loop.call_soon_threadsafe(stopping.set)
            thread.join()
            loop.close()


def kept_sandbox(state: Path) -> Sandbox:
    """The sandbox kept in a state file, or a new company that will be kept there.

    Raises:
        ValueError: the file is no state of a sandbox.
    """
    if state.exists():
        return Sandbox.load(state, callgear=RAISED_LIMITS)
    sandbox = Sandbox.company()
    sandbox.keep(state)
    return sandbox


async def _host(sandbox: Sandbox, listener: socket.socket, ready: Future[None], stopping: asyncio.Event) -> None:
    """Serve by uvicorn's protocol until told to stop; without uvicorn's main loop it starts and stops at once."""
    from uvicorn.config import Config  # noqa: PLC0415 - heavy, and only needed here
    from uvicorn.server import ServerState  # noqa: PLC0415

    from b24_pipeline.sandbox.app import SandboxProtocol, application  # noqa: PLC0415

    app = application(sandbox)

    async def stoppable(scope: Json, receive: Json, send: Json) -> None:
        """The application, whose requests may be called off by the end of the server and by nothing else."""
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if not stopping.is_set():
                raise

    config = Config(
        stoppable,
        http=SandboxProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
    )
    config.load()
    connections = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: SandboxProtocol(config=config, server_state=connections, app_state={}), sock=listener
    )
    ready.set_result(None)
    await stopping.wait()
    server.close()
    for connection in list(connections.connections):  # also those that wait in silence
        connection.transport.abort()
    await asyncio.sleep(0)
    tasks = list(connections.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
