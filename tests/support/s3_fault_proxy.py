"""A proxy in front of a real S3 server that can be told to fail, in the ways that networks do."""

import http.client
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STALE_DATE = "Mon, 01 Jan 2001 00:00:00 GMT"


class FaultProxy:
    """Passes requests on, unless `fault` names what goes wrong with those whose path ends so.

    `target` is the server's URL. A request is passed on as it was signed, host name and all.
    """

    def __init__(self, target):
        self.fault = None
        self.path_end = ""
        self.n_failed = 0
        self.heard = []
        self._answers = {}
        self._target = urlsplit(target).netloc
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def fail(self, fault, path_end=""):
        self.fault, self.path_end, self.n_failed = fault, path_end, 0

    def recover(self):
        self.fault = None
        self._over.set()  # whoever hangs in the black hole may go
        self._over = threading.Event()

    def close(self):
        self.recover()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, handler):
        path = urlsplit(handler.path).path
        self.heard.append(f"{handler.requestline}\r\n{handler.headers}".encode())
        if self.fault is None or not path.endswith(self.path_end):
            return self._pass_on(handler, lambda *answer: self._note_and_write(handler, *answer))
        self.n_failed += 1
        return {**FAULTS, **ATTACKS}[self.fault](self, handler)

    def _pass_on(self, handler, write):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.putrequest(
                handler.command, handler.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in handler.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            write(answer.status, answer.getheaders(), content)
        finally:
            connection.close()

    def _note_and_write(self, handler, *answer):
        self._answers[handler.path] = answer
        _write(handler, *answer)

    def change(self, handler):
        """Change one byte, and leave out the checksums by which that would be seen."""

        def write(status, headers, content):
            kept = [each for each in headers if not each[0].lower().startswith("x-amz-checksum")]
            position = len(content) * 7 // 8
            changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
            _write(handler, status, kept, changed)

        self._pass_on(handler, write)

    def replay(self, handler):
        """Answer as the first time, whatever is there now."""
        _write(handler, *self._answers[handler.path])

    def reset(self, handler):
        hard = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hard)
        handler.connection.close()
        handler.close_connection = True  # it is reset once the handler lets go of it

    def swallow(self, handler):
        self._over.wait(60)
        handler.close_connection = True

    def drip(self, handler):
        def write(status, headers, content):
            _write(handler, status, headers, content[:0], length=len(content))
            for byte in content:
                handler.wfile.write(bytes([byte]))
                if self._over.wait(0.05):
                    break
            handler.close_connection = True

        self._pass_on(handler, write)

    def truncate(self, handler):
        def write(status, headers, content):
            half = content[: len(content) // 2]
            _write(handler, status, headers, half, length=len(content))
            handler.close_connection = True

        self._pass_on(handler, write)

    def misstate(self, handler, surplus_bytes):
        def write(status, headers, content):
            _write(handler, status, headers, content, length=len(content) + surplus_bytes)
            handler.close_connection = surplus_bytes < 0
            if surplus_bytes > 0:
                self._over.wait(60)

        self._pass_on(handler, write)

    def stale(self, handler):
        def write(status, headers, content):
            kept = [(name, value) for name, value in headers if name.lower() != "date"]
            _write(handler, status, [*kept, ("Date", STALE_DATE)], content)

        self._pass_on(handler, write)


def refuse(status, code):
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    headers = [("Content-Type", "application/xml"), ("Date", STALE_DATE)]
    return lambda proxy, handler: _write(handler, status, headers, body)


FAULTS = {
    "503": refuse(503, "SlowDown"),
    "500": refuse(500, "InternalError"),
    "credentials refused": refuse(403, "InvalidAccessKeyId"),
    "clock skew": refuse(403, "RequestTimeTooSkewed"),
    "no bucket": refuse(404, "NoSuchBucket"),
    "not S3": lambda proxy, handler: _write(handler, 200, [("ETag", '"x"')], b"<html>login"),
    "reset": FaultProxy.reset,
    "black hole": FaultProxy.swallow,
    "slow bytes": FaultProxy.drip,
    "truncated body": FaultProxy.truncate,
    "length too long": lambda proxy, handler: proxy.misstate(handler, 7),
    "length too short": lambda proxy, handler: proxy.misstate(handler, -7),
    "stale date": FaultProxy.stale,
}  # fmt: skip

# What no network does by itself.
ATTACKS = {"changed byte": FaultProxy.change, "replay": FaultProxy.replay}


def _write(handler, status, headers, content, length=None):
    handler.send_response_only(status)
    for name, value in headers:
        if name.lower() not in ("content-length", "transfer-encoding", "connection"):
            handler.send_header(name, value)
    if status != 304:
        handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content if length is None else content[:length])
    handler.wfile.flush()


def _handler_of(proxy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            try:
                proxy.answer(self)
            except OSError:
                self.close_connection = True  # the client gave up

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = answer

        def log_message(self, *_):
            """Say nothing."""

    return Handler
