"""Ids of DAGs."""

_TRAIN = "train_"


def train_dag(pipeline: str) -> str:
    """Return the id of the DAG that trains a pipeline."""
    return f"{_TRAIN}{pipeline}"


def trained_by(dag_id: str) -> str:
    """Return the pipeline that a DAG of that id trains."""
    return dag_id.removeprefix(_TRAIN)
