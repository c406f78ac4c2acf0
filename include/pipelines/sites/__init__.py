"""The `sites` pipeline: 30 columns of what a site looks like, split by feature vector."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from include.pipelines import Pipeline
from include.pipelines.sites.records import DATASET, LAYOUT
from include.pipelines.sites.simulate import simulate
from include.pipelines.sites.slices import slices
from include.training.grids import Effort, Imputer
from include.training.split import group_keys

if TYPE_CHECKING:
    import pandas as pd

    from include.training.families import Family


def _feature_vectors(frame: "pd.DataFrame") -> npt.NDArray[np.object_]:
    """Return each row's feature vector as its group: duplicates never cross a split."""
    return group_keys(frame[[field.name for field in LAYOUT.fields]].to_numpy(np.float32))


def _families(effort: Effort, seed: int, imputer: Imputer) -> "tuple[Family, ...]":
    from include.training.families import tabular_families

    return tabular_families(effort, seed, imputer)


PIPELINE = Pipeline(
    name="sites",
    title="phishing sites by 30 properties of address, page and domain (UCI 327)",
    layout=LAYOUT,
    datasets=(DATASET,),
    simulate=simulate,
    group_keys=_feature_vectors,
    families=_families,
    slices=slices,
)
