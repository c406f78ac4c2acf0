"""Settings of the scoring service: environment variables, and nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    FilePath,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from include.errors import SettingMissingError
from include.services.scorer.limits import Content
from include.services.scorer.limits import Limits as Limits
from include.services.scorer.limits import RateLimit as RateLimit
from include.services.scorer.limits import Traffic as Traffic

_MIB = 1024 * 1024
# Only this service reads variables that begin so: another one is a misspelt name.
_OWN = tuple(f"NIGHTCATCH_{name}_" for name in ("MAX", "METRICS", "POLL", "RATE", "TRAFFIC"))


def _parts(separator: str) -> BeforeValidator:
    def split(value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(separator) if part.strip())

    return BeforeValidator(split)


def _rate_limit(value: object) -> object:
    if not isinstance(value, str):
        return value
    per_second, _, burst = value.partition(",")
    try:
        limit = RateLimit(float(per_second), float(burst or per_second))
    except ValueError as err:
        raise ValueError("must be one or two numbers, as 50,100") from err
    if not (0 < limit.per_second < float("inf") and 1 <= limit.burst < float("inf")):
        raise ValueError("must be a positive number a second, and at least 1 at once")
    return limit


_Names = Annotated[tuple[str, ...], NoDecode, _parts(",")]
_KeyFiles = Annotated[tuple[FilePath, ...], NoDecode, _parts(":"), Field(min_length=1)]
_OptionalKeyFiles = Annotated[tuple[FilePath, ...], NoDecode, _parts(":")]
_Seconds = Annotated[PositiveFloat, Field(allow_inf_nan=False)]


class Settings(BaseSettings):
    """Everything that the service is configured with."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    pipelines: _Names = Field(
        ("sites", "urls"),
        alias="NIGHTCATCH_PIPELINES",
        description="pipelines that are followed and served, separated by commas; if several"
        " read records, the first scores those whose columns do not decide",
        min_length=1,
    )
    s3_endpoint: str | None = Field(
        None, alias="NIGHTCATCH_S3_ENDPOINT", description="address of the S3 server; not set: AWS"
    )
    s3_bucket: str = Field("nightcatch", alias="NIGHTCATCH_S3_BUCKET", description="the bucket")
    s3_timeout_s: _Seconds = Field(
        5.0,
        alias="NIGHTCATCH_S3_TIMEOUT_S",
        description="seconds without a response after which S3 counts as unavailable",
    )
    trainer_keys: _KeyFiles = Field(
        alias="NIGHTCATCH_TRAINER_PUBLIC_KEY",
        description="PEM files that versions are verified with, separated by colons while"
        " keys are rotated",
    )
    approver_keys: _KeyFiles = Field(
        alias="NIGHTCATCH_APPROVER_PUBLIC_KEY",
        description="PEM files that approvals are verified with, separated by colons while"
        " keys are rotated",
    )
    approvers_needed: int = Field(
        1,
        alias="NIGHTCATCH_APPROVERS_NEEDED",
        ge=1,
        le=2,
        description="how many of those keys must have signed a model in production",
    )
    list_keys: _OptionalKeyFiles = Field(
        (),
        alias="NIGHTCATCH_LIST_PUBLIC_KEY",
        description="PEM files that lists of sites are verified with, separated by colons; by"
        " default those of approvals",
    )
    watcher_keys: _OptionalKeyFiles = Field(
        (),
        alias="NIGHTCATCH_WATCHER_PUBLIC_KEY",
        description="PEM files that timestamps are verified with, separated by colons; a scorer"
        " that sees no new one for a day is not ready; not set: a bucket that is held back is not"
        " noticed",
    )
    cache_dir: Path = Field(
        alias="NIGHTCATCH_CACHE_DIR",
        description="folder of the last verified models, counters, unsent traffic, uploads under"
        " way; of one scorer alone",
    )
    poll_interval_s: _Seconds = Field(
        15.0,
        alias="NIGHTCATCH_POLL_INTERVAL_S",
        description="seconds between two reads of `approved.json`, with a jitter of a fifth;"
        " up to four times as long while S3 is unavailable",
    )
    max_model_bytes: PositiveInt = Field(
        256 * _MIB,
        alias="NIGHTCATCH_MAX_MODEL_BYTES",
        description="size of a model above which it is not read",
    )
    build: str = Field(
        "unknown", alias="NIGHTCATCH_BUILD", description="the code's commit, as `/version` shows it"
    )
    api_keys_file: Path | None = Field(
        None,
        alias="NIGHTCATCH_API_KEYS_FILE",
        description="file of the clients that may score and give feedback, `name"
        " sha256-of-the-key` by line, read again when it changes; an invalid line"
        " revokes its key, a missing file all of them, so replace it by a rename;"
        " not set: everybody may score, nobody may give feedback",
    )
    metrics_private: bool = Field(
        False,
        alias="NIGHTCATCH_METRICS_PRIVATE",
        description="`true`: `/metrics` needs one of the API keys too",
    )
    cors_origins: _Names = Field(
        (),
        alias="NIGHTCATCH_CORS_ORIGINS",
        description="origins whose pages may read responses, separated by commas, compared exactly",
    )
    access_log: bool = Field(
        True, alias="NIGHTCATCH_ACCESS_LOG", description="`off` omits the log line of each request"
    )
    rate_limit: Annotated[RateLimit | None, NoDecode, BeforeValidator(_rate_limit)] = Field(
        None,
        alias="NIGHTCATCH_RATE_LIMIT",
        description="of each API key, as `50,100`: requests a second, and size of a burst;"
        " needs the file of API keys; 100 items, 64 KiB or an explanation of one request count"
        " as one more",
    )
    max_json_bytes: PositiveInt = Field(
        Limits.json_bytes,
        alias="NIGHTCATCH_MAX_JSON_BYTES",
        description="size of a JSON body above which the response is 413",
    )
    max_upload_bytes: PositiveInt = Field(
        Limits.upload_bytes,
        alias="NIGHTCATCH_MAX_UPLOAD_BYTES",
        description="size of a file above which the response is 413; Compose sets 52428800"
        " here and in `deploy/nginx.conf`",
    )
    max_records: PositiveInt = Field(
        Limits.records,
        alias="NIGHTCATCH_MAX_RECORDS",
        description="items of a JSON body above which the response is 422",
    )
    max_csv_rows: PositiveInt = Field(
        Limits.csv_rows,
        alias="NIGHTCATCH_MAX_CSV_ROWS",
        description="rows of a file above which the response is 422",
    )
    link_key: Annotated[SecretStr, Field(min_length=16)] | None = Field(
        None,
        alias="NIGHTCATCH_LINK_KEY",
        description="secret of the page's links to results, at least 16 characters, the same for"
        " all scorers; whoever has a link sees its result for 90 days; not set: no links",
    )
    traffic_log: Content = Field(
        "off",
        alias="NIGHTCATCH_TRAFFIC_LOG",
        description="what is logged of scored items: `inputs`; `redacted`, URLs without what"
        " may name a person or open an account; their keyed hash (`hash`); or nothing (`off`)",
    )
    traffic_hash_key: Annotated[SecretStr, Field(min_length=16)] | None = Field(
        None,
        alias="NIGHTCATCH_TRAFFIC_HASH_KEY",
        description="secret of the hashes, at least 16 characters, the same for all scorers;"
        " `hash` needs it, `redacted` lines have a hash where it is set",
    )
    traffic_interval_s: _Seconds = Field(
        Traffic.interval_s,
        alias="NIGHTCATCH_TRAFFIC_INTERVAL_S",
        description="seconds that a worker gathers a batch of traffic; a killed worker loses"
        " as much",
    )
    traffic_max_bytes: PositiveInt = Field(
        Traffic.max_bytes,
        alias="NIGHTCATCH_TRAFFIC_MAX_BYTES",
        description="unsent traffic on disk above which the oldest is dropped; feedback is"
        " never dropped",
    )

    @property
    def limits(self) -> Limits:
        """Limits of one request."""
        return Limits(
            self.max_json_bytes, self.max_upload_bytes, self.max_records, self.max_csv_rows
        )

    @property
    def link_secret(self) -> bytes | None:
        """The secret of links to results."""
        return self.link_key.get_secret_value().encode() if self.link_key else None

    @property
    def traffic(self) -> Traffic:
        """What is kept of scored items."""
        key = self.traffic_hash_key.get_secret_value().encode() if self.traffic_hash_key else b""
        return Traffic(self.traffic_log, self.traffic_interval_s, self.traffic_max_bytes, key)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if len(set(self.pipelines)) != len(self.pipelines):
            raise ValueError("NIGHTCATCH_PIPELINES must name each pipeline once")
        if self.rate_limit and not self.api_keys_file:
            raise ValueError("NIGHTCATCH_RATE_LIMIT is by API key: set NIGHTCATCH_API_KEYS_FILE")
        if self.traffic_log == "hash" and not self.traffic_hash_key:
            raise ValueError(
                "NIGHTCATCH_TRAFFIC_LOG=hash needs a secret of the deployment: "
                "set NIGHTCATCH_TRAFFIC_HASH_KEY"
            )
        if self.metrics_private and not self.api_keys_file:
            raise ValueError("NIGHTCATCH_METRICS_PRIVATE needs NIGHTCATCH_API_KEYS_FILE")
        return self


def read_settings() -> Settings:
    """Return the settings of this process's environment.

    Raises
    ------
    SettingMissingError
        With a line for each variable that is absent, invalid or unknown; no line has a value.
    """
    faults = list(_unknown())
    try:
        settings = Settings()  # type: ignore[call-arg]  # they come from the environment
    except ValidationError as err:
        faults += map(_describe, err.errors(include_url=False, include_input=False))
        raise SettingMissingError("\n".join(faults)) from None
    if faults:
        raise SettingMissingError("\n".join(faults))
    return settings


def _unknown() -> Iterator[str]:
    known = {field.alias for field in Settings.model_fields.values()}
    for name in sorted(os.environ.keys() - known):
        if name.startswith(_OWN):
            yield f"{name} is unknown; see docs/configure.md"


def _describe(fault: ErrorDetails) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "missing":
        return f"{name} is not set"
    detail = fault["msg"].removeprefix("Value error, ")
    return f"{name}: {detail}" if name else detail
