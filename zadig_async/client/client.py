"""`ZadigClient`: opens the way to one server and holds the verbs."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from zadig_async.client.logs import Logs
from zadig_async.client.operations import Operations
from zadig_async.client.registries import Registries
from zadig_async.client.tasks import Tasks
from zadig_async.client.tickets import Tickets
from zadig_async.client.views import Views
from zadig_async.client.workflows import Workflows
from zadig_async.model.secret import Secret
from zadig_async.transport.account import account_name
from zadig_async.transport.base import Carrier
from zadig_async.transport.retry import RequestRecord, RetryPolicy, Sender


class ZadigClient:
    """One Zadig server and one account.

    Attributes:
        workflows: Workflows as they are configured.
        tasks: Runs of workflows.
        views: Named groups of workflows.
        tickets: Pre-approval tickets.
        logs: Logs of jobs.
        registries: Image registries.
        operations: The operation log, for system administrators.

        server: Address of the server, by which a journal tells one from another.
        account: Display name of the account, which Zadig writes down as the creator of its tasks; empty where
            the token does not say it.
        secrets: What must never be shown, nor told in a log: the token. Mask it wherever text from the server
            is shown (`zadig_async.wire.masking`).

    It is safe for any number of concurrent calls within one event loop.
    """

    def __init__(
        self, sender: Sender, *, server: str = "", account: str = "", secrets: Iterable[Secret] = ()
    ) -> None:
        """Speak through a sender of your own; `connect` is the usual way.

        Args:
            sender: Carries calls and repeats those that may be repeated. Closed with the client.
            server: Address of the server.
            account: Display name of the account.
            secrets: What must never be shown, such as the token.
        """
        self._sender = sender
        self.server = server
        self.account = account
        self.secrets = tuple(secrets)
        self.workflows = Workflows(sender)
        self.tasks = Tasks(sender)
        self.views = Views(sender)
        self.tickets = Tickets(sender)
        self.logs = Logs(sender)
        self.registries = Registries(sender)
        self.operations = Operations(sender)

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        token: str | Secret,
        ca_file: Path | None = None,
        proxy: str | None = None,
        retry: RetryPolicy | None = None,
        on_request: Callable[[RequestRecord], None] | None = None,
    ) -> Self:
        """Make a client for a server; connections open with the first call.

        Use it as `async with ZadigClient.connect(url, token=token) as zadig`.

        Args:
            url: Address under which the Zadig portal opens; https, or http on this machine only.
            token: API token from the account page, one word without `Bearer`.
            ca_file: PEM file of authorities to trust instead of the system's. TLS is always verified.
            proxy: Proxy to use; the environment is never read.
            retry: How reads, and requests that were never sent, are repeated.
            on_request: Receives one record per attempt.

        Raises:
            ConfigError: The URL, token or file cannot be used.
        """
        from zadig_async.transport.http import HttpCarrier  # noqa: PLC0415 - aiohttp takes 0.2 s to import
        from zadig_async.transport.options import Connection  # noqa: PLC0415 - comes with it

        secret = token if isinstance(token, Secret) else Secret(token)
        connection = Connection(url, secret, ca_file=ca_file, proxy=proxy)
        return cls.over(
            HttpCarrier(connection),
            retry=retry,
            on_request=on_request,
            server=connection.url,
            account=account_name(secret),
            secrets=[secret],
        )

    @classmethod
    def over(
        cls,
        carrier: Carrier,
        *,
        retry: RetryPolicy | None = None,
        on_request: Callable[[RequestRecord], None] | None = None,
        server: str = "",
        account: str = "",
        secrets: Iterable[Secret] = (),
    ) -> Self:
        """Make a client over any carrier, such as a fake one in tests.

        Args:
            carrier: Carries one attempt of a call. Closed with the client.
            retry: How reads, and requests that were never sent, are repeated.
            on_request: Receives one record per attempt.
            server: Address of the server.
            account: Display name of the account.
            secrets: What must never be shown, such as the token the carrier sends.
        """
        sender = Sender(carrier, policy=retry or RetryPolicy(), on_request=on_request)
        return cls(sender, server=server, account=account, secrets=secrets)

    def server_time(self) -> float | None:
        """Return the server's time in Unix seconds, true to a second or two; None before its first answer."""
        return self._sender.clock.now(asyncio.get_running_loop().time())

    async def aclose(self) -> None:
        """Close every connection. Calling it again does nothing."""
        await self._sender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
