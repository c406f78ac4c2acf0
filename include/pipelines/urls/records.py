"""What a `urls` record is: a URL, whether it led to phishing, who says so, and since when.

`load` finds the files of `DATASETS` in NIGHTCATCH_DATA_DIR, or downloads the set of Hannousse and
Yahiouche. PhiUSIIL (UCI 967) is larger, but every legitimate row of it is a bare ``https://www.``
home page, so a model trained on it alone learns that and flags every page with a path.
"""

from include.contract.schema import InputField, Target
from include.errors import UrlRefusedError
from include.ingest.files.download import Address, Dataset
from include.ingest.files.layout import Identity, Layout, Record
from include.pipelines.urls.normal import normalise
from include.urls.reading import read_url

URL = "url"
LABEL = "label"
SOURCE = "source"
FIRST_SEEN = "first_seen"

URL_ALIASES = (
    "urls", "link", "uri", "href", "phish_url", "phishing_url", "malicious_url", "full_url",
    "original_url", "raw_url", "page_url", "site_url", "web_address", "address", "website", "site",
    "url/domain", "indicator", "indicator_value", "ioc", "ioc_value", "observable", "fqdn",
    "hostname", "host", "hosts", "domain", "domain_name", "domains", "origin", "value",
)  # fmt: skip
LABEL_ALIASES = (
    "labels", "class_label", "is_phishing", "is_phish", "phishing", "phish", "is_malicious",
    "malicious", "status", "type", "class", "category", "verdict", "classification", "result",
)  # fmt: skip
FIRST_SEEN_ALIASES = (
    "first_seen_utc", "firstseen", "submission_time", "date_added", "date", "isotime", "created",
    "created_at", "timestamp", "time",
)  # fmt: skip

TARGET = Target(source=LABEL, positive=1, negative=0)


def _url_and_label(record: Record) -> str:
    """Return the normalised URL with its label: two labels of one URL are two records."""
    return f"{record[LABEL]} {normalise(str(record[URL]))}"


def _web_address(text: str) -> str:
    """Return the URL of a cell or a line of a list.

    Raises
    ------
    ValueError
        If it is no web address, or stands for many.
    """
    if text.startswith(("*.", ".")):
        raise ValueError(f"{text[:60]!a} is a wildcard, not one host")
    try:
        # Block lists end a URL with an asterisk where anything may follow.
        return read_url(text.rstrip("*")).url
    except UrlRefusedError as err:
        raise ValueError(str(err)) from err


LAYOUT = Layout(
    fields=(
        InputField(
            URL, "string", None, "The URL as it was reported; it is never opened", URL_ALIASES
        ),
    ),
    target=TARGET,
    label_aliases=LABEL_ALIASES,
    details=(
        InputField(SOURCE, "string", None, "Who reports that it is phishing, or legitimate"),
        InputField(
            FIRST_SEEN, "timestamp", None, "When the source had it first", FIRST_SEEN_ALIASES
        ),
    ),
    origin=SOURCE,
    identity=Identity((URL, LABEL), _url_and_label, since=FIRST_SEEN),
    strict=False,
    read_text=_web_address,
)

DATASETS = (
    Dataset("urls", ("urls_train.csv.gz", "urls_train.csv", "urls.csv.gz", "urls.csv")),
    # A. Hannousse, S. Yahiouche (2021), Web page phishing detection, doi 10.17632/c2gw7fy2j4,
    # CC BY 4.0: 11,430 URLs, half phishing, most with a path; without dates.
    Dataset(
        "hannousse-yahiouche-2021",
        ("webpage_phishing_2021.csv.gz", "dataset_B_05_2020.csv"),
        (
            Address(
                "https://data.mendeley.com/public-files/datasets/c2gw7fy2j4/files/"
                "575316f4-ee1d-453e-a04f-7b950915b61b/file_downloaded"
            ),
        ),
        "ce6049568d9455d5fbdcfffaecf7fb73ebfaea1b0e5e60c830adfd8025ed6730",
    ),
)
