"""The `urls` pipeline: what a URL's string alone gives away, split by registrable domain."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from include.features.feature_sets import URLS
from include.features.urls import group_of
from include.pipelines import Pipeline
from include.pipelines.urls.doubt import doubt
from include.pipelines.urls.edits import EDITS, edited
from include.pipelines.urls.hard_examples import hard_examples
from include.pipelines.urls.login_pages import login_pages
from include.pipelines.urls.records import DATASETS, FIRST_SEEN, LAYOUT, URL
from include.pipelines.urls.simulate import simulate
from include.pipelines.urls.slices import slices
from include.training.grids import Effort, Imputer

if TYPE_CHECKING:
    import pandas as pd

    from include.training.families import Family


def _registrable_domains(frame: "pd.DataFrame") -> npt.NDArray[np.object_]:
    """Return each URL's registrable domain as its group: a site is never on two sides."""
    return np.array([group_of(url) for url in frame[URL]], dtype=object)


def _families(effort: Effort, seed: int, imputer: Imputer) -> "tuple[Family, ...]":
    from include.training.text_families import text_families

    return text_families(effort, seed)


def _suite_columns(frame: "pd.DataFrame", run_at: datetime | None) -> "pd.DataFrame":
    from include.pipelines.urls.columns import suite_columns

    return suite_columns(frame, run_at)


def _drift_columns(frame: "pd.DataFrame") -> "pd.DataFrame":
    from include.pipelines.urls.columns import drift_columns

    return drift_columns(frame)


PIPELINE = Pipeline(
    name="urls",
    title="phishing URLs by their text and what is known of domains, nothing is looked up",
    layout=LAYOUT,
    datasets=DATASETS,
    simulate=simulate,
    group_keys=_registrable_domains,
    families=_families,
    features=URLS,
    first_seen=FIRST_SEEN,
    # A thousand addresses an hour at one false alarm each are too many to look at.
    fpr_budget=0.001,
    # A search of 116,000 URLs holds up to 2.5 GB.
    memory_gb=3,
    # A fit of 116,000 URLs takes a minute of a core, and folds of so many rows differ little.
    folds={"quick": 2, "default": 3, "thorough": 5},
    suite_columns=_suite_columns,
    added_rows=hard_examples,
    drift_columns=_drift_columns,
    doubt=doubt,
    slices=slices,
    known_pages=login_pages,
    edits={name: partial(edited, name) for name in EDITS},
)
