"""Web applications of the Airflow UI, served to a browser, and stores that cannot be read."""

import socket
import threading
from contextlib import contextmanager

import boto3
import uvicorn

from include.errors import SettingMissingError
from include.stack.ports import pick_port
from include.stores.objects import ObjectStore


@contextmanager
def serving(app):
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    listener = socket.create_server(("127.0.0.1", 0))  # who comes too early waits
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def unset_store():
    raise SettingMissingError("Airflow has no connection nightcatch_s3")


def unreachable_store():
    keypair = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    url = f"http://127.0.0.1:{pick_port()}"
    return ObjectStore(boto3.client("s3", endpoint_url=url, **keypair), "b")
