"""An HTTP server of feeds whose responses a test spoils."""

import gzip
import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>x</body></html>"
FAULTS = (
    "moved", "unauthorised", "forbidden", "too many", "broken", "reset", "black hole", "slow",
    "cut", "cut gzip", "html", "bomb",
)  # fmt: skip
_STATUSES = {"unauthorised": 401, "forbidden": 403, "too many": 429, "broken": 500}


def bomb(n_megabytes=1024):
    """So many megabytes of zeros in a thousandth of their size."""
    return gzip.compress(bytes(1_000_000), 9) * n_megabytes


class FeedServer(ThreadingHTTPServer):
    """Serves `contents` by path; `faults` names how the next responses of a path are spoilt."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.contents, self.faults, self.requests = {}, {}, []
        self.retry_after, self.elsewhere = "7200", "http://elsewhere.example/feed"
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up: they are meant to."""

    def close(self):
        self.closing.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, path = self.server, self.path
        server.requests.append(
            (path, {name.lower(): value for name, value in self.headers.items()})
        )
        fault = server.faults.get(path, "")
        if fault in _STATUSES:
            more = {"Retry-After": server.retry_after} if fault == "too many" else {}
            self.reply(_STATUSES[fault], b"no", more)
        elif fault == "moved":
            self.reply(301, b"", {"Location": server.elsewhere})
        elif fault == "reset":
            self.hang_up()
        elif fault == "black hole":
            server.closing.wait(30)
        elif fault == "html":
            self.reply(200, HTML)
        elif fault == "bomb":
            self.reply(200, bomb(), {"Content-Encoding": "gzip"})
        elif path not in server.contents:
            self.reply(404, b"not here")
        else:
            self.serve_content(server.contents[path], fault)

    def serve_content(self, content, fault):
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self.reply(304, b"", {"ETag": etag})
            return
        packed = content
        more = {"ETag": etag}
        if "gzip" in self.headers.get("Accept-Encoding", "") and path_is_packed(self.path):
            packed, more["Content-Encoding"] = gzip.compress(content, mtime=0), "gzip"
        if fault == "cut gzip":
            packed = gzip.compress(content, mtime=0)
            self.reply(200, packed[: len(packed) // 2], {"Content-Encoding": "gzip"})
            return
        status, start = 200, 0
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range") == etag:
            status, start = 206, int(wanted.removeprefix("bytes=").rstrip("-"))
            more["Content-Range"] = f"bytes {start}-{len(packed) - 1}/{len(packed)}"
        body = packed[start:]
        if fault == "cut":
            self.head(status, len(body), more)
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.hang_up()
        elif fault == "slow":
            self.head(status, len(body), more)
            for at in range(len(body)):
                self.wfile.write(body[at : at + 1])
                self.wfile.flush()
                if self.server.closing.wait(0.02):
                    return
        else:
            self.reply(status, body, more)

    def head(self, status, length, more):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()

    def reply(self, status, body, more=None):
        self.head(status, len(body), more or {})
        self.wfile.write(body)

    def hang_up(self):
        self.close_connection = True
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def log_message(self, *arguments):
        pass


def path_is_packed(path):
    """Whether the server compresses what lies there."""
    return path.endswith((".csv", ".json"))
