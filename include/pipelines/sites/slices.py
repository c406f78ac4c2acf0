"""Parts of the `sites` records that a model must serve one by one."""

from typing import TYPE_CHECKING

from include.pipelines.sites.records import FIELDS, meaning

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "having_IP_Address",
    "URL_Length",
    "Shortining_Service",
    "Prefix_Suffix",
    "having_Sub_Domain",
    "SSLfinal_State",
    "age_of_domain",
    "web_traffic",
)


def slices(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return the meaning of each of `COLUMNS` for every record, in words.

    Parameters
    ----------
    frame : DataFrame
        Accepted records; a missing value is the slice "missing".
    """
    import pandas as pd

    return pd.DataFrame({name: _describe(name, frame[name]) for name in COLUMNS})


def _describe(name: str, values: "pd.Series[float]") -> "pd.Series[str]":
    allowed = next(field.allowed for field in FIELDS if field.name == name) or ()
    return values.map({value: meaning(name, value) for value in allowed}).fillna("missing")
