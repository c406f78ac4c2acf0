"""What came of a batch: figures for programs, and a page for people."""

from functools import cache
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from include.batch.destinations import BucketFolder
from include.contract import keys
from include.contract.run_documents import BatchJob, BatchTotals, parse, serialise
from include.contract.run_documents.batch import N_BINS
from include.errors import BatchRefusedError
from include.reporting.svg import ACCENT, draw
from include.stores.objects import ObjectStore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAGE = "summary.html"


def write_summary(store: ObjectStore, name: str, totals: BatchTotals) -> str:
    """Return the key of the page about a batch, now beside its figures.

    Parameters
    ----------
    store : ObjectStore
    name : str
    totals : BatchTotals
        Of all its inputs.
    """
    body = BucketFolder(store, name).read(BatchJob.NAME)
    if body is None:
        raise BatchRefusedError(f"{keys.batch_prefix(name)}: no batch was begun there")
    key = keys.batch_file(name, _PAGE)
    page = render_summary(name, parse(BatchJob, body), totals)
    store.put(keys.batch_file(name, BatchTotals.NAME), serialise(totals), "application/json")
    store.put(key, page.encode(), "text/html; charset=utf-8")
    return key


def render_summary(name: str, job: BatchJob, totals: BatchTotals) -> str:
    """Return the page, which needs nothing else to be read."""
    decided = {what: n for what, n in sorted(totals.by_decided_by.items()) if what != "model"}
    return (
        _environment()
        .get_template(_PAGE)
        .render(name=name, job=job, totals=totals, decided=decided, histogram=_histogram(totals))
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader("include.batch"), PackageLoader("include.reporting")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _histogram(totals: BatchTotals) -> str:
    def paint(figure: "Figure") -> None:
        axes = figure.subplots()
        places = [(at + 0.5) / N_BINS for at in range(N_BINS)]
        axes.bar(places, totals.histogram, width=0.9 / N_BINS, color=ACCENT)
        axes.set_yscale("symlog", linthresh=10)
        axes.set_xlabel("probability of phishing")
        axes.set_ylabel("rows")

    return draw("scores", "Rows by probability of phishing", paint, width_in=7.2)
