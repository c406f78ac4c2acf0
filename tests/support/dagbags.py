"""Scripts that run in an Airflow of their own, and what they print of the DAG folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_airflow(home, script, *arguments, **variables):
    """What a Python script prints that runs in an Airflow of its own below a folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    (home / "plugins").mkdir(exist_ok=True)
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_dags(home, script, *arguments, **variables):
    """The JSON that a script prints last; its arguments are the DAG folder and those given."""
    arguments = [str(ROOT / "dags"), *map(json.dumps, arguments)]
    return json.loads(run_airflow(home, script, *arguments, **variables).splitlines()[-1])


def accepts(dag, name, value):
    """Whether a DAG's form takes a value; called by those scripts."""
    from airflow.sdk.exceptions import ParamValidationError

    try:
        dag.params.get_param(name).resolve(value)
    except ParamValidationError:
        return False
    return True
