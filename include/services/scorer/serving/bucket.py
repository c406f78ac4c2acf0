"""How the scorer talks to its bucket: no answer of S3, nor its silence, holds a thread for long."""

import boto3
from botocore.config import Config

from include.services.scorer.settings import Settings
from include.stores.objects import ObjectStore

_ATTEMPTS = 2


def open_bucket(settings: Settings) -> ObjectStore:
    """Return the bucket of the settings; credentials are boto3's own variables."""
    config = Config(
        connect_timeout=settings.s3_timeout_s,
        read_timeout=settings.s3_timeout_s,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    client = boto3.client("s3", endpoint_url=settings.s3_endpoint, config=config)
    return ObjectStore(client, settings.s3_bucket, timeout_s=_ATTEMPTS * settings.s3_timeout_s)
