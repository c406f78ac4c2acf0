"""HTTP that reaches public addresses only: each host is resolved, checked and then connected to.

The check lies below TLS and redirects, so neither a name that resolves to a private address nor a
redirect reaches one. httpx has no hook there, its transport's pool is replaced by one that has.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from functools import cache

import certifi
import httpcore
import httpx

from include.errors import FeedUnavailableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def open_client(*, allow_private: bool, timeout_s: float, deadline_s: float) -> httpx.Client:
    """Return a client that verifies certificates and follows no redirect.

    Parameters
    ----------
    allow_private : bool
        Whether addresses of private networks may be reached.
    timeout_s : float
        Of each step: connecting, or waiting for the next bytes.
    deadline_s : float
        Of all that the client does, however many steps a slow server makes of it.
    """
    return httpx.Client(
        transport=_Transport(_tls(), _CheckedBackend(allow_private, deadline_s)),
        timeout=timeout_s,
        follow_redirects=False,
    )


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()  # those of the organisation, installed on the machine
    return context


class _Transport(httpx.HTTPTransport):
    """httpx's own, for the errors it raises, over a pool with another network backend."""

    def __init__(self, context: ssl.SSLContext, backend: httpcore.NetworkBackend) -> None:
        super().__init__(verify=context)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, network_backend=backend, max_keepalive_connections=0
        )


class _CheckedBackend(httpcore.SyncBackend):
    """Connects to the addresses that were checked, not to a name that may change meanwhile."""

    def __init__(self, allow_private: bool, deadline_s: float) -> None:
        self._allow_private = allow_private
        self._deadline = _Deadline(deadline_s)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a stream to the first address of the host that accepts connections."""
        addresses = resolve(host, port)
        if not self._allow_private:
            refuse_private(host, addresses)
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, timeout)
            except httpcore.NetworkError:
                continue
        return self._connect(addresses[-1], port, timeout)

    def _connect(self, address: Address, port: int, timeout: float | None) -> "_Stream":
        stream = super().connect_tcp(str(address), port, self._deadline.within(timeout))
        return _Stream(stream, self._deadline)


class _Deadline:
    """The time that is left for everything."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._ends_s = time.monotonic() + deadline_s

    def within(self, timeout_s: float | None) -> float:
        """Return a time-out that ends before the deadline does.

        Raises
        ------
        FeedUnavailableError
            If it is over.
        """
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise FeedUnavailableError(f"not finished after {self._deadline_s:g} seconds")
        return left_s if timeout_s is None else min(timeout_s, left_s)


class _Stream(httpcore.NetworkStream):
    """A stream each of whose steps ends before the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come."""
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes."""
        self._stream.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the stream under TLS."""
        secured = self._stream.start_tls(
            ssl_context, server_hostname, self._deadline.within(timeout)
        )
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        """Return what is known of the socket."""
        return self._stream.get_extra_info(info)


def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of a host.

    Raises
    ------
    FeedUnavailableError
        If it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as err:
        raise FeedUnavailableError(f"{host} cannot be resolved: {err}") from err
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def refuse_private(host: str, addresses: Iterable[Address]) -> None:
    """Raise if any of the addresses is not one of the public internet.

    Raises
    ------
    FeedUnavailableError
    """
    for address in addresses:
        inner = address
        if isinstance(address, ipaddress.IPv6Address):
            inner = address.ipv4_mapped or address.sixtofour or address
        if not (address.is_global and inner.is_global) or address.is_multicast:
            raise FeedUnavailableError(
                f"{host} is {address}, which is no public address; set allow_private if the feed "
                "lies in a private network"
            )
