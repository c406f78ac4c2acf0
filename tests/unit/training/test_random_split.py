from include.contract.verdicts import Thresholds
from include.evaluation.metrics import evaluate
from include.training.families import tabular_families
from include.training.random_split import random_split_figures
from include.training.split import Shares

KNN = tabular_families("quick", 0)[2]


def figures(rows, seed):
    return random_split_figures(
        KNN,
        {"classifier__n_neighbors": 1},
        rows.X,
        rows.y,
        shares=Shares(0.6, 0.2, 0.2),
        seed=seed,
        fpr_budget=0.05,
    )


def test_the_figures_are_those_of_evaluate_on_the_test_share(rows):
    found = figures(rows, 0)

    assert set(found) == set(evaluate([0, 1], [0.2, 0.9], Thresholds(0.5, 0.5), 0.05))
    assert found["n_rows"] == 180


def test_the_seed_alone_decides_the_split(rows):
    assert figures(rows, 1) == figures(rows, 1)
    assert figures(rows, 1) != figures(rows, 2)
