"""What a `urls` record is: a URL, whether it led to phishing, who says so, and since when.

No data set is downloaded: none that may be passed on could be pinned by a digest proved to be its
publisher's. `load` finds the files below in NIGHTCATCH_DATA_DIR, and simulates otherwise.
"""

from types import MappingProxyType

from include.contract.schema import InputField, Target
from include.ingest.files.download import Dataset
from include.ingest.files.layout import Identity, Layout, Record
from include.pipelines.urls.normal import normalise

URL = "url"
LABEL = "label"
SOURCE = "source"
FIRST_SEEN = "first_seen"

TARGET = Target(source=LABEL, positive=1, negative=0)


def _url_and_label(record: Record) -> str:
    """Return the normalised URL with its label: two labels of one URL are two records."""
    return f"{record[LABEL]} {normalise(str(record[URL]))}"


LAYOUT = Layout(
    fields=(InputField(URL, "string", None, "The URL as it was reported; it is never opened"),),
    target=TARGET,
    aliases=MappingProxyType(
        {"date": FIRST_SEEN, "submission_time": FIRST_SEEN, "status": LABEL},
    ),
    details=(
        InputField(SOURCE, "string", None, "Who says that it is phishing, or legitimate"),
        InputField(FIRST_SEEN, "timestamp", None, "When the source had it first"),
    ),
    origin=SOURCE,
    identity=Identity((URL, LABEL), _url_and_label, since=FIRST_SEEN),
    strict=False,
)

DATASETS = (
    Dataset("urls", ("urls_train.csv.gz", "urls_train.csv", "urls.csv.gz", "urls.csv")),
    # A. Hannousse, S. Yahiouche (2021), Web page phishing detection, doi 10.17632/c2gw7fy2j4,
    # CC BY 4.0: half phishing, without dates.
    Dataset("hannousse-yahiouche-2021", ("webpage_phishing_2021.csv.gz", "dataset_B_05_2020.csv")),
)
