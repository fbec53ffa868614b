"""Serves a sandbox on loopback; nothing of the web server is imported before that."""

import asyncio
import socket
import threading
from collections.abc import Iterator
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

    @property
    def page_url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    @property
    def webhook_url(self) -> str:
        return f"http://{HOST}:{self.port}/rest/{self.sandbox.portal.owner}/{SECRET}/"

    @property
    def callgear_url(self) -> str:
        return f"http://{HOST}:{self.port}/v2.0"


@contextmanager
def serve(sandbox: Sandbox, *, port: int = 0) -> Iterator[Server]:
    """Serve a sandbox from a thread of its own; on exit every connection is broken at once. Port 0 is a free one.

    Raises:
        OSError: the port is taken.
    """
    listener = _listening(port)
    hosting = _Hosting(sandbox, listener)
    thread = threading.Thread(target=hosting.run, name="sandbox", daemon=True)
    thread.start()
    try:
        hosting.wait_until_ready()
        yield Server(sandbox, listener.getsockname()[1])
    finally:
        hosting.stop()
        thread.join()


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


def _listening(port: int) -> socket.socket:
    """A listening socket; asyncio sends without delay only where the protocol is named."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class _Hosting:
    """Uvicorn's protocol on a thread's event loop; without uvicorn's main loop it starts and stops at once."""

    def __init__(self, sandbox: Sandbox, listener: socket.socket) -> None:
        self._sandbox = sandbox
        self._listener = listener
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._host())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()
            self._listener.close()

    def wait_until_ready(self) -> None:
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _host(self) -> None:
        from uvicorn.config import Config  # noqa: PLC0415 - heavy, and only needed here
        from uvicorn.server import ServerState  # noqa: PLC0415

        from b24_pipeline.sandbox.app import SandboxProtocol, application  # noqa: PLC0415

        config = Config(
            self._until_stopped(application(self._sandbox)),
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

        def protocol() -> Json:
            return SandboxProtocol(config=config, server_state=connections, app_state={})

        server = await self._loop.create_server(protocol, sock=self._listener)
        self._ready.set()
        await self._stopping.wait()
        server.close()
        await _break(connections)

    def _until_stopped(self, app: Json) -> Json:
        """The application, whose requests may be called off by the end of the server and by nothing else."""

        async def stoppable(scope: Json, receive: Json, send: Json) -> None:
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise

        return stoppable


async def _break(connections: Json) -> None:
    """End every connection, also those that wait in silence, and the tasks behind them."""
    for connection in list(connections.connections):
        connection.transport.abort()
    await asyncio.sleep(0)
    tasks = list(connections.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
