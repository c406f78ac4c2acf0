"""What a pipeline's `feeds.toml` declares: where labels come from, and what is expected of them."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from include.config.reading import POLICY, build_policy, read_toml
from include.errors import FeedSettingsError

Format = Literal["list", "hosts", "ranks", "csv", "json"]
Hours = Annotated[float, Field(gt=0, le=24 * 31)]
Days = Annotated[float, Field(gt=0, le=36_500)]
Bytes = Annotated[int, Field(gt=0)]
# TOML has lists only.
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Range = Annotated[tuple[int, int], Field(strict=False)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Text = Annotated[str, Field(min_length=1)]

_SCHEMES = ("https", "http", "file", "s3")
IN_THE_FILE = "in the file"
# Names of what people do, where others are those of feeds.
RESERVED = ("announced", "disagreements", "reports", "review", "sample", "upload")


@dataclass(frozen=True, config=POLICY)
class FeedSettings:
    """One feed.

    Attributes
    ----------
    name : str
        Also the `source` of its records.
    address : str
        https:, http:, or ``file:`` and a path within NIGHTCATCH_DATA_DIR; a folder of it, or
        ``s3:`` and a prefix of the bucket, where each new file is a pull. ``{now:%Y%m}`` and
        ``{last_month:%Y%m}`` stand for a date, ``{login}`` and ``{password}`` for the connection's.
    format : {"list", "hosts", "ranks", "csv", "json"}
    label : {"phishing", "legitimate", "in the file"}
        What every record of the feed is, or that each says so itself.
    licence, terms : str
        Under which its records may be used, and the address of the terms.
    seen : str
        When and where address, format and limits were looked up.
    enabled : bool
    interval_h : float
        Hours between two pulls.
    min_interval_h : float or None
        Hours between two requests, whatever came of the first: the feed's limit; by default
        `interval_h`. A failed pull is tried again after it.
    max_bytes, max_unpacked_bytes : int
        Size limits of what is transferred, and of what it is once unpacked.
    deadline_s : float
        How long one pull may take.
    expected : (int, int)
        How many records a pull has.
    max_change : float
        Largest change of that number from one pull to the next, as a share.
    stale_days : float
        A feed whose content stays the same for longer stands still.
    valid_days : float
        A label not repeated for so long leaves the snapshots.
    connection : str
        Airflow connection with its credentials.
    headers : dict of str to str
        Request headers, with ``{login}`` and ``{password}``.
    redirect_hosts : tuple of str
        Other hosts that it may redirect to.
    allow_private : bool
        Whether it may lie in a private network.
    columns : tuple of str
        csv: names of the columns where the file has no header.
    where : str
        csv, json: JMESPath of a record; only those for which it is true are read.
    items : str
        json: JMESPath of the list of records.
    fields : dict of str to str
        csv: our column to the feed's column; json: our column to the JMESPath of a record.
    """

    name: Name
    address: Text
    format: Format
    label: Literal["phishing", "legitimate", "in the file"]
    licence: Text
    terms: Text
    seen: Text
    enabled: bool = False
    interval_h: Hours = 24.0
    min_interval_h: Hours | None = None
    max_bytes: Bytes = 50_000_000
    max_unpacked_bytes: Bytes = 500_000_000
    deadline_s: Annotated[float, Field(gt=0, le=3600)] = 300.0
    expected: Range = (1, 10_000_000)
    max_change: Annotated[float, Field(gt=0)] = 0.5
    stale_days: Days = 7.0
    valid_days: Days = 730.0
    connection: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    redirect_hosts: Texts = ()
    allow_private: bool = False
    columns: Texts = ()
    where: str = ""
    items: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "FeedSettings":
        if urlsplit(self.address).scheme not in _SCHEMES:
            raise ValueError(f"address must begin with one of {', '.join(_SCHEMES)}")
        if urlsplit(self.address).scheme == "s3" and not self.is_folder:
            raise ValueError("an s3: address is a prefix, and ends with a slash")
        if (self.columns or self.where or self.fields) and self.format not in ("csv", "json"):
            raise ValueError(f"columns, where and fields are of csv and json, not {self.format}")
        if self.columns and self.format != "csv":
            raise ValueError("columns name those of a csv file without a header")
        if bool(self.items) != (self.format == "json"):
            raise ValueError("items, the JMESPath of the list of records, belongs to json")
        if self.expected[0] > self.expected[1]:
            raise ValueError("expected: the smaller number comes first")
        if (self.min_interval_h or 0) > self.interval_h:
            raise ValueError("min_interval_h must not be above interval_h")
        if self.needs_credentials and not self.connection:
            raise ValueError("{login} and {password} are those of a connection: name it")
        paths = [self.where, self.items, *(self.fields.values() if self.format == "json" else ())]
        for path in filter(None, paths):
            try:
                jmespath.compile(path)
            except JMESPathError as err:
                raise ValueError(f"{path!r} is no JMESPath: {err}") from err
        return self

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder or prefix that is watched for new files."""
        return urlsplit(self.address).scheme in ("file", "s3") and self.address.endswith("/")

    @property
    def needs_credentials(self) -> bool:
        """Whether address or headers hold a placeholder of the connection."""
        texts = (self.address, *self.headers.values())
        return any(mark in text for text in texts for mark in ("{login}", "{password}"))

    @property
    def min_interval(self) -> timedelta:
        """The shortest time between two requests."""
        return timedelta(hours=self.min_interval_h or self.interval_h)

    @property
    def interval(self) -> timedelta:
        """The time between two pulls."""
        return timedelta(hours=self.interval_h)

    def request_url(self, now: datetime, login: str = "", password: str = "") -> str:
        """Return the address to request at a moment; it may hold the password."""
        last_month = now.replace(day=1) - timedelta(days=1)
        given = {"login": quote(login, safe=""), "password": quote(password, safe="")}
        return self.address.format(now=now, last_month=last_month, **given)

    def request_headers(self, login: str = "", password: str = "") -> dict[str, str]:
        """Return the headers to send; they may hold the password."""
        return {
            name: value.format(login=login, password=password)
            for name, value in self.headers.items()
        }


@dataclass(frozen=True, config=POLICY)
class _File:
    min_new: Annotated[int, Field(ge=1)] = 100
    max_source_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    trusted_clients: Texts = ()
    retrain_after_h: Hours | None = None
    review_sample: bool = True
    feeds: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, config=POLICY)
class Feeds:
    """The feeds of a pipeline.

    Attributes
    ----------
    min_new : int
        So many new records are worth a training run.
    max_source_share : float
        Largest share of a class that one feed may have in a snapshot.
    trusted_clients : tuple of str
        API clients whose reports are labels at once; those of others wait for a review.
    retrain_after_h : float or None
        Hours between two trainings because of new labels; none: they wait for the nightly one.
    review_sample : bool
        Whether the random sample of each day's predictions waits for a review.
    feeds : tuple of FeedSettings
        In the order of the file.
    """

    min_new: int = 100
    max_source_share: float = 0.5
    trusted_clients: tuple[str, ...] = ()
    retrain_after_h: float | None = None
    review_sample: bool = True
    feeds: tuple[FeedSettings, ...] = ()

    def named(self, name: str) -> FeedSettings:
        """Return the feed of that name.

        Raises
        ------
        FeedSettingsError
        """
        for feed in self.feeds:
            if feed.name == name:
                return feed
        known = ", ".join(feed.name for feed in self.feeds) or "none"
        raise FeedSettingsError(f"no feed {name!r}; there are: {known}")


def read_feeds(path: Path) -> Feeds:
    """Return the feeds that a TOML file declares; none if there is no file.

    Raises
    ------
    FeedSettingsError
        If the file is not TOML, or has unknown keys or wrong values: each is named.
    """
    given = read_toml(_File, path, FeedSettingsError)
    feeds = tuple(_feed(name, table, path.name) for name, table in given.feeds.items())
    return Feeds(
        given.min_new,
        given.max_source_share,
        given.trusted_clients,
        given.retrain_after_h,
        given.review_sample,
        feeds,
    )


def _feed(name: str, table: Mapping[str, Any], file: str) -> FeedSettings:
    if "name" in table:
        raise FeedSettingsError(f"{file}, {name}: its name is that of the table")
    if name in RESERVED:
        raise FeedSettingsError(f"{file}: no feed may be called {name}: labels of people are")
    return build_policy(
        FeedSettings, {**table, "name": name}, f"{file}, feeds.{name}", FeedSettingsError
    )
