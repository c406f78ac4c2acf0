"""A container of tests/support/fake_docker.py: an HTTP server that behaves as its kind says."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Answer(BaseHTTPRequestHandler):
    """`unready` is never ready, `wrong` answers no question, `shy` none that came by the proxy."""

    kind, image = "", ""

    def do_GET(self):
        self._send(503 if self.kind == "unready" else 200, {"status": "ready"})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        broken = self.kind == "wrong" or (self.kind == "shy" and "Via" in self.headers)
        body = {"title": "no"} if broken else {"prediction": "Phishing", "image": self.image}
        self._send(500 if broken else 200, body)

    def _send(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep still."""


class Server(ThreadingHTTPServer):
    """Answers what was begun before it ends, as granian does at SIGTERM."""

    daemon_threads = False


def main(kind, image, port_file):
    if kind == "ends":
        sys.exit(1)
    Answer.kind, Answer.image = kind, image
    server = Server(("127.0.0.1", 0), Answer)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    draft = Path(f"{port_file}.draft")
    draft.write_text(str(server.server_port))
    draft.rename(port_file)
    with server:  # waits for the answers under way
        server.serve_forever(poll_interval=0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
