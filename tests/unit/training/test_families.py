import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.model_selection import ParameterGrid

from include.estimators.imputer import TiedKNNImputer
from include.training.families import tabular_families
from include.training.grids import FOLDS, GRIDS, SIMPLEST_FIRST

EFFORTS = ("quick", "default", "thorough")


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_eight_families_come_simplest_first(effort):
    assert tuple(family.name for family in tabular_families(effort, 0)) == SIMPLEST_FIRST


@pytest.mark.parametrize("effort", EFFORTS)
def test_every_grid_point_is_a_parameter_of_its_pipeline(effort):
    for family in tabular_families(effort, 0):
        for point in ParameterGrid(dict(family.grid)):
            clone(family.estimator).set_params(**point)
        if family.stages:
            clone(family.estimator).set_params(**{family.stages.parameter: 1})


def test_more_effort_searches_more():
    sizes = [
        sum(len(ParameterGrid(dict(grid))) for grid in GRIDS[effort].values()) * FOLDS[effort]
        for effort in EFFORTS
    ]

    assert sizes == sorted(set(sizes))


def test_every_random_family_carries_the_seed():
    for family in tabular_families("quick", 41):
        params = family.estimator.get_params()
        assert params.get("classifier__random_state", 41) in (41, None), family.name
        if family.name not in ("LogisticRegression", "KNN"):
            assert params["classifier__random_state"] == 41


@pytest.mark.parametrize(
    ("imputer", "kind"), [("simple", SimpleImputer), ("knn", TiedKNNImputer)], ids=["simple", "knn"]
)
def test_the_imputer_is_the_first_step(imputer, kind):
    for family in tabular_families("quick", 0, imputer):
        assert isinstance(family.estimator[0], kind)
