"""Open the scorer's bucket: neither an error of S3 nor its silence holds a thread for long."""

import boto3
from botocore.config import Config

from include.stores.objects import ObjectStore

_ATTEMPTS = 2


def open_bucket(name: str, endpoint_url: str | None, timeout_s: float) -> ObjectStore:
    """Return a bucket; credentials are boto3's own variables.

    Parameters
    ----------
    name : str
    endpoint_url : str or None
        None for AWS.
    timeout_s : float
        Of each of two attempts, to connect and to read.
    """
    config = Config(
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    client = boto3.client("s3", endpoint_url=endpoint_url, config=config)
    return ObjectStore(client, name, timeout_s=_ATTEMPTS * timeout_s)
