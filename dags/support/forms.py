"""Fields of forms: the parameters of training DAGs, and what several forms have."""

from typing import Any

from airflow.sdk import Param

from include import pipelines

REASON: dict[str, Any] = {
    "minLength": 3,
    "maxLength": 500,
    "title": "Reason",
    "description": "Kept in the history.",
}
"""The field for why somebody decides; its type is the form's."""


def training_params(pipeline: pipelines.Pipeline) -> dict[str, Param]:
    """Return the parameters of a training DAG, with the pipeline's defaults."""
    return {
        "effort": Param(
            "default",
            type="string",
            enum=list(pipelines.EFFORTS),
            title="Search effort",
            description="How many grid points and folds: quick takes seconds, "
            "thorough several times the default.",
        ),
        "approval": Param(
            pipeline.approval,
            type="string",
            enum=["auto", "human"],
            title="Approval",
            description="auto: what passes the gate is approved. human: a person responds "
            "under Required Actions first, within 20 hours.",
        ),
        "fpr_budget": Param(
            pipeline.fpr_budget,
            type="number",
            minimum=0.0001,
            maximum=0.2,
            title="False-positive budget",
            description="Share of legitimate rows that may be called Phishing; 1 % may be at "
            "least Suspicious.",
        ),
        **_imputer(pipeline),
        "accept_drift": Param(
            False,
            type="boolean",
            title="Accept drift",
            description="Publish although columns have moved beyond the blocking limit, or the "
            "model in production contradicts the new labels.",
        ),
        "known_on": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As known on",
            description="Only records first seen and reviewed before the end of that day (UTC), as "
            "if the run were of that day. Empty: all; a backfill takes each day it is for.",
        ),
        "seed": Param(
            0,
            type="integer",
            minimum=0,
            maximum=2**31 - 1,
            title="Seed",
            description="The same records, seed and versions of libraries give the same model.",
        ),
    }


def _imputer(pipeline: pipelines.Pipeline) -> dict[str, Param]:
    """Return the choice of imputer, for pipelines whose values may be missing."""
    if pipeline.features is not None:
        return {}
    return {
        "imputer": Param(
            "simple",
            type="string",
            enum=list(pipelines.IMPUTERS),
            title="Missing values",
            description="Filled inside the model: simple, by the column's most frequent value; "
            "knn, from the nearest rows (slower to score).",
        )
    }
