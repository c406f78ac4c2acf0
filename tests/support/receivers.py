"""Receivers of alerts and events: a real HTTP and a real SMTP server, small, on the loopback."""

import json
import socketserver
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Posts:
    """What was posted, and with which status it is answered."""

    status: int = 200
    headers: dict = field(default_factory=dict)
    got: list = field(default_factory=list)
    url: str = ""

    @property
    def documents(self):
        return [json.loads(body) for _, _, body in self.got]

    @property
    def texts(self):
        return [document["text"] for document in self.documents]

    def wait_for(self, *words, timeout_s=600):
        """Return the first document that holds all words, once it was posted."""
        deadline = time.monotonic() + timeout_s
        while not (found := self.with_words(*words)):
            assert time.monotonic() < deadline, f"nobody said {words}: {self.documents}"
            time.sleep(0.1)
        return found[0]

    def with_words(self, *words):
        """Return the documents that hold all words."""
        return [
            document
            for document in self.documents
            if all(word in json.dumps(document) for word in words)
        ]


@contextmanager
def http_receiver(path="/hook", *, tls=None):
    """A server that takes POSTs; over TLS with an SSL context."""
    posts = Posts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = posts.status  # who waits for the post may change it
            posts.got.append((self.path, dict(self.headers), body))
            self.send_response(status)
            for name, value in posts.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with _serving(server) as port:
        posts.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
        yield posts


@dataclass
class Mailbox:
    """What was mailed; a command is answered as `answers` says."""

    answers: dict = field(default_factory=dict)
    mails: list = field(default_factory=list)
    logins: list = field(default_factory=list)
    in_the_clear: set = field(default_factory=set)
    port: int = 0


@contextmanager
def smtp_receiver(*, tls=None, at_once=False, **answers):
    """A server that takes mail, RFC 5321 in small; by `answers` to commands or to whole lines.

    With an SSL context it takes a password over TLS only: by STARTTLS, or `at_once`.
    """
    box = Mailbox(answers)
    usual = {"DATA": "354 go", "AUTH": "235 in", "STARTTLS": "220 go", "QUIT": "221 bye"}

    class Handler(socketserver.StreamRequestHandler):
        encrypted = False

        def handle(self):
            try:
                if at_once:
                    self.encrypt()
                self.say("220 test")
                while line := self.rfile.readline():
                    word = line.split(b" ")[0].strip().upper().decode("latin-1")
                    self.obey(word, line)
                    if word == "QUIT":
                        return
            except OSError:
                return  # the client does not trust this server, or is gone
            finally:
                self.connection.close()

        def obey(self, word, line):
            if not self.encrypted:
                box.in_the_clear.add(word)
            if word == "AUTH":
                box.logins.append(line.decode().split()[-1])
            said = line.decode("latin-1").strip()
            answer = box.answers.get(said) or box.answers.get(word, usual.get(word, "250 ok"))
            if word == "EHLO" and tls:
                answer = f"250-test\r\n250 {'AUTH PLAIN' if self.encrypted else 'STARTTLS'}"
            self.say(answer)
            if word == "DATA" and answer.startswith("354"):
                self.take()
            if word == "STARTTLS" and answer.startswith("220"):
                self.encrypt()

        def encrypt(self):
            self.connection = tls.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.encrypted = True

        def take(self):
            lines = iter(self.rfile.readline, b".\r\n")
            box.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
            self.say("250 taken")

        def say(self, text):
            self.wfile.write(text.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with _serving(Server(("127.0.0.1", 0), Handler)) as port:
        box.port = port
        yield box


@contextmanager
def silent_server():
    """A server that takes connections and answers one byte every half second, without end."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stopped.wait(0.5):
                    self.request.sendall(b"x")
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    stopped = threading.Event()
    try:
        with _serving(Server(("127.0.0.1", 0), Handler)) as port:
            yield port
    finally:
        stopped.set()


@contextmanager
def _serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
