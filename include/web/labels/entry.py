"""One held record as a reviewer reads it: taken apart, and with what is known beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from include.errors import NightCatchError, UrlRefusedError
from include.inference.explain.field_labels import labels_of
from include.ingest.review.context import Context, Known
from include.ingest.review.entries import Held
from include.pipelines import Pipeline
from include.urls.address import address_of
from include.urls.domains import split_domain
from include.urls.reading import read_url

Opinion = Mapping[str, Any]
AskModel = Callable[[Pipeline, Mapping[str, Any]], Opinion | None]
_SHOWN_PARTS = 5


@dataclass(frozen=True)
class UrlParts:
    """A URL around the part that says whose it is.

    Attributes
    ----------
    before, domain, after : str
        The registrable domain, or the IP address, and what stands before and behind it.
    seen_host : str
        The host as a reader sees it, where that differs.
    unwrapped : tuple of str
        Services whose links held it.
    """

    before: str
    domain: str
    after: str
    seen_host: str
    unwrapped: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What the page shows of a held record.

    Attributes
    ----------
    held : Held
    url : UrlParts or None
        None where the records are no URLs.
    values : list of (str, str)
        Of other records: what each input is about, and its value's meaning.
    stored : list of Known
        The same record among those that are trained on, with either label.
    similar : list of Known or None
        Others of the registrable domain; None where the search took too long.
    opinion : mapping or None
        Of the production version; None where there is none.
    no_opinion : str
        Why the version says nothing.
    """

    held: Held
    url: UrlParts | None
    values: list[tuple[str, str]]
    stored: list[Known]
    similar: list[Known] | None
    opinion: Opinion | None
    no_opinion: str

    @property
    def reasons(self) -> list[Mapping[str, Any]]:
        """What moved the score most."""
        moved = (self.opinion or {}).get("contributions", ())
        return [each for each in moved if each["contribution"]][:_SHOWN_PARTS]


def read_entry(held: Held, pipeline: Pipeline, context: Context, ask_model: AskModel) -> Entry:
    """Return what is known of a held record.

    Raises
    ------
    StoreUnavailableError
        If MongoDB cannot be reached; the model's opinion is left out where it cannot be had.
    """
    record, is_url = held.record, pipeline.features is not None
    parts = url_parts(title_of(held, pipeline)) if is_url else None
    opinion, why = None, "no version is in production yet"
    try:
        opinion = ask_model(pipeline, record)
    except NightCatchError as err:
        why = str(err)
    field = pipeline.inputs[0].name
    similar = context.of_domain(field, parts.domain, str(record[field])) if parts else []
    return Entry(
        held=held,
        url=parts,
        values=[] if is_url else _values(record, pipeline),
        stored=context.stored(dict(record)),
        similar=similar,
        opinion=opinion,
        no_opinion=why,
    )


def title_of(held: Held, pipeline: Pipeline) -> str:
    """Return what stands for an entry in a list."""
    if held.kind == "pull":
        return f"a whole pull of {held.feed}"
    if pipeline.features is None:
        return f"record {held.id.partition('/')[2]}"
    return str(held.record[pipeline.inputs[0].name])


def url_parts(text: str) -> UrlParts | None:
    """Return a URL taken apart; None where it is none."""
    try:
        reading = read_url(text)
    except UrlRefusedError:
        return None
    parsed, address = reading.parsed, address_of(reading.parsed)
    domain = parsed.host if address.is_ip else split_domain(parsed.host)[1]
    userinfo = f"{parsed.userinfo}@" if parsed.userinfo else ""
    port = f":{parsed.port}" if parsed.port else ""
    return UrlParts(
        before=f"{parsed.scheme}://{userinfo}{parsed.host.removesuffix(domain)}",
        domain=domain,
        after=f"{port}{parsed.tail}",
        seen_host="" if address.seen_host == address.host else address.seen_host,
        unwrapped=reading.unwrapped,
    )


def _values(record: Mapping[str, Any], pipeline: Pipeline) -> list[tuple[str, str]]:
    shown = []
    for field in pipeline.inputs:
        labels, value = labels_of(field), record.get(field.name)
        shown.append((labels.subject, "missing" if value is None else labels.of(float(value))))
    return shown
