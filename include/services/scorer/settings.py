"""What the scoring service can be told, all of it by environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from include.errors import SettingMissingError

_MIB = 1024 * 1024

Content = Literal["off", "hash", "inputs"]


@dataclass(frozen=True)
class Limits:
    """What one request may ask for.

    Attributes
    ----------
    json_bytes : int
        ``NIGHTCATCH_MAX_JSON_BYTES``: a larger JSON body is answered 413.
    upload_bytes : int
        ``NIGHTCATCH_MAX_UPLOAD_BYTES``: the same for a file.
    records : int
        ``NIGHTCATCH_MAX_RECORDS``: more of them in one JSON body are answered 422.
    csv_rows : int
        ``NIGHTCATCH_MAX_CSV_ROWS``: the same for a file.
    """

    json_bytes: int = 8 * _MIB
    upload_bytes: int = 200 * _MIB
    records: int = 10_000
    csv_rows: int = 2_000_000


@dataclass(frozen=True)
class RateLimit:
    """How often one API key may ask.

    Attributes
    ----------
    per_second : float
        Of all workers of a machine together.
    burst : float
        How many requests may come at once after a pause; at least one.
    """

    per_second: float
    burst: float


@dataclass(frozen=True)
class Traffic:
    """What is kept of scored items, and of feedback until S3 has it.

    Attributes
    ----------
    content : str
        ``NIGHTCATCH_TRAFFIC_LOG``: ``inputs`` keeps what was sent, ``hash`` its SHA-256, ``off``
        nothing.
    interval_s : float
        ``NIGHTCATCH_TRAFFIC_INTERVAL_S``: how long a worker gathers a batch.
    max_bytes : int
        ``NIGHTCATCH_TRAFFIC_MAX_BYTES``: may wait on disk for S3; older traffic is then dropped.
    """

    content: Content = "off"
    interval_s: float = 10.0
    max_bytes: int = 256 * _MIB


@dataclass(frozen=True)
class Settings:
    """Everything the service is told at its start.

    Attributes
    ----------
    pipelines : tuple of str
        ``NIGHTCATCH_PIPELINES``, separated by commas; the first answers records by default.
    s3_endpoint : str or None
        ``NIGHTCATCH_S3_ENDPOINT``; empty for AWS. Credentials are boto3's own variables.
    s3_bucket : str
        ``NIGHTCATCH_S3_BUCKET``.
    s3_timeout_s : float
        ``NIGHTCATCH_S3_TIMEOUT_S``: how long S3 may be silent before it counts as away.
    trainer_keys, approver_keys : tuple of Path
        ``NIGHTCATCH_TRAINER_PUBLIC_KEY`` and ``NIGHTCATCH_APPROVER_PUBLIC_KEY``: PEM files, several
        separated by colons while keys are rotated.
    cache_dir : Path
        ``NIGHTCATCH_CACHE_DIR``: keeps the last good model of each pipeline.
    poll_interval_s : float
        ``NIGHTCATCH_POLL_INTERVAL_S``.
    max_model_bytes : int
        ``NIGHTCATCH_MAX_MODEL_BYTES``: a larger model is refused.
    build : str
        ``NIGHTCATCH_BUILD``: the code's commit, as ``/version`` shows it.
    limits : Limits
    api_keys_file : Path or None
        ``NIGHTCATCH_API_KEYS_FILE``: who may have something scored; everybody without it.
    cors_origins : tuple of str
        ``NIGHTCATCH_CORS_ORIGINS``, separated by commas: whose pages may read answers; nobody's.
    access_log : bool
        ``NIGHTCATCH_ACCESS_LOG``: ``off`` leaves out the line of log by request.
    rate_limit : RateLimit or None
        ``NIGHTCATCH_RATE_LIMIT``, as ``50,100``: requests a second of each API key, and how many
        may come at once; no limit without it.
    traffic : Traffic
    """

    pipelines: tuple[str, ...]
    s3_endpoint: str | None
    s3_bucket: str
    trainer_keys: tuple[Path, ...]
    approver_keys: tuple[Path, ...]
    cache_dir: Path
    s3_timeout_s: float = 5.0
    poll_interval_s: float = 15.0
    max_model_bytes: int = 256 * _MIB
    build: str = "unknown"
    limits: Limits = Limits()
    api_keys_file: Path | None = None
    cors_origins: tuple[str, ...] = ()
    access_log: bool = True
    rate_limit: RateLimit | None = None
    traffic: Traffic = Traffic()


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings that environment variables spell.

    Raises
    ------
    SettingMissingError
        If a variable is absent or cannot be read; the message names it.
    """
    limits = Limits()
    return Settings(
        pipelines=_names(environ, "NIGHTCATCH_PIPELINES", "sites,urls"),
        s3_endpoint=environ.get("NIGHTCATCH_S3_ENDPOINT") or None,
        s3_bucket=environ.get("NIGHTCATCH_S3_BUCKET") or "nightcatch",
        trainer_keys=_key_files(environ, "NIGHTCATCH_TRAINER_PUBLIC_KEY"),
        approver_keys=_key_files(environ, "NIGHTCATCH_APPROVER_PUBLIC_KEY"),
        cache_dir=Path(_required(environ, "NIGHTCATCH_CACHE_DIR")),
        s3_timeout_s=_positive(environ, "NIGHTCATCH_S3_TIMEOUT_S", 5.0),
        poll_interval_s=_positive(environ, "NIGHTCATCH_POLL_INTERVAL_S", 15.0),
        max_model_bytes=int(_positive(environ, "NIGHTCATCH_MAX_MODEL_BYTES", 256 * _MIB)),
        build=environ.get("NIGHTCATCH_BUILD") or "unknown",
        limits=Limits(
            json_bytes=int(_positive(environ, "NIGHTCATCH_MAX_JSON_BYTES", limits.json_bytes)),
            upload_bytes=int(
                _positive(environ, "NIGHTCATCH_MAX_UPLOAD_BYTES", limits.upload_bytes)
            ),
            records=int(_positive(environ, "NIGHTCATCH_MAX_RECORDS", limits.records)),
            csv_rows=int(_positive(environ, "NIGHTCATCH_MAX_CSV_ROWS", limits.csv_rows)),
        ),
        api_keys_file=Path(keys) if (keys := environ.get("NIGHTCATCH_API_KEYS_FILE")) else None,
        cors_origins=_split(environ.get("NIGHTCATCH_CORS_ORIGINS", "")),
        access_log=environ.get("NIGHTCATCH_ACCESS_LOG", "on") != "off",
        rate_limit=_rate_limit(environ),
        traffic=_traffic(environ),
    )


def _traffic(environ: Mapping[str, str]) -> Traffic:
    plain = Traffic()
    name = "NIGHTCATCH_TRAFFIC_LOG"
    content = environ.get(name) or plain.content
    if content not in get_args(Content):
        raise SettingMissingError(f"{name}={content!r} is none of {', '.join(get_args(Content))}")
    return Traffic(
        cast(Content, content),
        _positive(environ, "NIGHTCATCH_TRAFFIC_INTERVAL_S", plain.interval_s),
        int(_positive(environ, "NIGHTCATCH_TRAFFIC_MAX_BYTES", plain.max_bytes)),
    )


def _rate_limit(environ: Mapping[str, str]) -> RateLimit | None:
    name = "NIGHTCATCH_RATE_LIMIT"
    given = environ.get(name)
    if not given:
        return None
    if not environ.get("NIGHTCATCH_API_KEYS_FILE"):
        raise SettingMissingError(f"{name} is by API key: set NIGHTCATCH_API_KEYS_FILE too")
    per_second, _, burst = given.partition(",")
    limit = RateLimit(_number(name, per_second), _number(name, burst or per_second))
    if limit.burst < 1:
        raise SettingMissingError(f"{name}={given!r} allows no request at all")
    return limit


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingMissingError(f"{name} is not set")
    return value


def _names(environ: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    given = environ.get(name) or default
    names = _split(given)
    if not names or len(set(names)) != len(names):
        raise SettingMissingError(f"{name}={given!r} does not list pipelines once each")
    return names


def _split(given: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.split(",") if part.strip())


def _key_files(environ: Mapping[str, str], name: str) -> tuple[Path, ...]:
    paths = tuple(Path(part) for part in _required(environ, name).split(":") if part)
    for path in paths:
        if not path.is_file():
            raise SettingMissingError(f"{name}: {path} is not a file")
    return paths


def _positive(environ: Mapping[str, str], name: str, default: float) -> float:
    return _number(name, environ.get(name) or str(default))


def _number(name: str, given: str) -> float:
    try:
        number = float(given)
    except ValueError as err:
        raise SettingMissingError(f"{name}={given!r} is not a number") from err
    if not 0 < number < float("inf"):
        raise SettingMissingError(f"{name}={given!r} is not a positive number")
    return number
