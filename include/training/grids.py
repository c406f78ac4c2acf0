"""Search grids of each family by effort: data only."""

from collections.abc import Mapping
from typing import Literal

Effort = Literal["quick", "default", "thorough"]
Imputer = Literal["simple", "knn"]
Grid = Mapping[str, tuple[object, ...]]

FOLDS: Mapping[Effort, int] = {"quick": 2, "default": 5, "thorough": 10}
"""Number of cross-validation folds of each effort."""

SIMPLEST_FIRST = (
    "LogisticRegression",
    "DecisionTree",
    "KNN",
    "AdaBoost",
    "ExtraTrees",
    "RandomForest",
    "GradientBoosting",
    "HistGradientBoosting",
)

SCALED = ("LogisticRegression", "KNN")

_QUICK: Mapping[str, Grid] = {
    "LogisticRegression": {"C": (1.0,)},
    "DecisionTree": {"min_samples_leaf": (2,)},
    "KNN": {"n_neighbors": (10,)},
    "AdaBoost": {"estimator__max_depth": (3,), "learning_rate": (0.5,)},
    "ExtraTrees": {"n_estimators": (100,)},
    "RandomForest": {"n_estimators": (100,)},
    "GradientBoosting": {"max_depth": (5,), "max_features": (0.3,)},
    "HistGradientBoosting": {"learning_rate": (0.1,), "min_samples_leaf": (10,)},
}

_DEFAULT: Mapping[str, Grid] = {
    "LogisticRegression": {"C": (0.1, 1.0, 10.0)},
    "DecisionTree": {"criterion": ("gini", "entropy"), "min_samples_leaf": (1, 2, 5)},
    "KNN": {"n_neighbors": (3, 5, 10, 20)},
    "AdaBoost": {"estimator__max_depth": (1, 3), "learning_rate": (0.5,)},
    "ExtraTrees": {"n_estimators": (200,), "min_samples_split": (2, 5)},
    "RandomForest": {"n_estimators": (200,), "min_samples_split": (2, 5)},
    "GradientBoosting": {"max_depth": (4, 6), "max_features": (0.3,)},
    "HistGradientBoosting": {"learning_rate": (0.05,), "max_features": (0.3, 1.0)},
}

_THOROUGH: Mapping[str, Grid] = {
    "LogisticRegression": {"C": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)},
    "DecisionTree": {
        "criterion": ("gini", "entropy"),
        "min_samples_leaf": (1, 2, 5, 10),
        "max_depth": (None, 8, 16),
    },
    "KNN": {"n_neighbors": (1, 2, 3, 5, 7, 10, 15, 25, 40)},
    "AdaBoost": {"estimator__max_depth": (1, 2, 3, 5), "learning_rate": (0.1, 0.5, 1.0)},
    "ExtraTrees": {
        "n_estimators": (500,),
        "min_samples_split": (2, 5, 10),
        "max_features": ("sqrt", 0.3, 0.5),
    },
    "RandomForest": {
        "n_estimators": (500,),
        "min_samples_split": (2, 5, 10),
        "max_features": ("sqrt", 0.3, 0.5),
    },
    "GradientBoosting": {
        "learning_rate": (0.05, 0.1),
        "max_depth": (3, 5, 7),
        "max_features": (0.3, 1.0),
    },
    "HistGradientBoosting": {
        "learning_rate": (0.03, 0.06),
        "min_samples_leaf": (5, 10, 20),
        "max_features": (0.3, 1.0),
        "l2_regularization": (0.0, 1.0),
    },
}

GRIDS: Mapping[Effort, Mapping[str, Grid]] = {
    "quick": _QUICK,
    "default": _DEFAULT,
    "thorough": _THOROUGH,
}

STAGES: Mapping[Effort, Mapping[str, tuple[int, ...]]] = {
    "quick": {
        "AdaBoost": (50, 100),
        "GradientBoosting": (50, 100),
        "HistGradientBoosting": (50, 100),
    },
    "default": {
        "AdaBoost": (50, 100, 150),
        "GradientBoosting": (100, 150, 200, 250, 300),
        "HistGradientBoosting": (100, 150, 200, 250, 300, 350, 400),
    },
    "thorough": {
        "AdaBoost": (50, 100, 200, 400),
        "GradientBoosting": (100, 150, 200, 300, 400, 600),
        "HistGradientBoosting": (100, 150, 200, 300, 400, 500, 600, 800),
    },
}
