from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from include.errors import TrainingError
from include.training.added import AddedRows, fitted_on
from include.training.deduplicate import distinct_rows
from include.training.families import Stages, tabular_families
from include.training.search import METRICS, _Folds, search_family, select

FAMILIES = {family.name: family for family in tabular_families("quick", 3)}


def search(family, rows, **kwargs):
    return search_family(family, rows.X, rows.y, rows.groups, seed=3, n_folds=3, **kwargs)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_learns_and_scores_every_metric_on_every_fold(name, rows):
    candidate = search(FAMILIES[name], rows)

    assert set(candidate.scores) == set(METRICS)
    assert all(len(folds) == 3 for folds in candidate.scores.values())
    assert candidate.mean("roc_auc") > 0.7
    assert roc_auc_score(rows.y, candidate.estimator.predict_proba(rows.X)[:, 1]) > 0.8


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_seed_gives_the_same_candidate(name, rows):
    first, second = search(FAMILIES[name], rows), search(FAMILIES[name], rows)

    assert (first.params, first.scores) == (second.params, second.scores)
    np.testing.assert_array_equal(
        first.estimator.predict_proba(rows.X), second.estimator.predict_proba(rows.X)
    )


def test_no_group_is_on_both_sides_of_a_fold_and_all_rows_are_held_out_once(rows):
    representatives, _ = distinct_rows(rows.X, rows.y)

    folds = list(_Folds(rows.groups, None, 0, 3).split(rows.y, representatives))

    for train, held_out in folds:
        assert not set(rows.groups[train]) & set(rows.groups[held_out])
    held_out = np.concatenate([held_out for _, held_out in folds])
    assert sorted(held_out) == list(range(len(rows.y)))


def test_added_rows_are_fitted_on_but_never_held_out(rows):
    added = AddedRows(rows.X[:9] + 100, rows.y[:9], rows.groups[:9])
    X, y = fitted_on(rows.X, rows.y, added)
    representatives, _ = distinct_rows(X, y)
    n_rows = len(rows.y)

    folds = list(_Folds(rows.groups, added, 0, 3).split(y, representatives))

    for train, held_out in folds:
        made = train[train >= n_rows] - n_rows
        assert not set(added.groups[made]) & set(rows.groups[held_out])
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(n_rows))
    assert any((train >= n_rows).any() for train, _ in folds)


@pytest.mark.parametrize("name", ["AdaBoost", "GradientBoosting", "HistGradientBoosting"])
def test_a_stage_scores_as_a_model_of_so_many_stages_does(name, rows):
    staged = FAMILIES[name]
    parameter = staged.stages.parameter

    from_stages = search(replace(staged, stages=Stages(parameter, (7, 20))), rows)
    best = from_stages.params[parameter]
    own_fit = clone(staged.estimator).set_params(**{parameter: best})
    fitted_alone = search(replace(staged, estimator=own_fit, stages=None), rows)

    assert best in (7, 20)
    for metric in METRICS:
        assert from_stages.scores[metric] == pytest.approx(fitted_alone.scores[metric])
    assert from_stages.estimator.get_params()[parameter] == best


def test_missing_values_are_filled_inside_the_pipeline(rows):
    holes = rows.X.copy()
    holes[::5, 0] = np.nan

    candidate = search_family(
        FAMILIES["LogisticRegression"], holes, rows.y, rows.groups, seed=0, n_folds=2
    )

    assert np.isfinite(candidate.estimator.predict_proba(holes)).all()


def test_the_highest_mean_is_selected(rows):
    weak = search(FAMILIES["KNN"], rows)
    strong = replace(weak, family="RandomForest", scores={"average_precision": (0.99, 0.97)})

    assert select([weak, strong]) is strong
    assert select([strong, weak]) is strong


def test_the_simpler_family_wins_a_tie_of_four_digits(rows):
    simple = replace(search(FAMILIES["KNN"], rows), scores={"average_precision": (0.9, 0.8)})
    complex_ = replace(
        simple, family="HistGradientBoosting", scores={"average_precision": (0.85, 0.85001)}
    )

    assert select([complex_, simple]) is simple


def test_nothing_can_be_selected_from_nothing():
    with pytest.raises(TrainingError, match="no candidate"):
        select([])
