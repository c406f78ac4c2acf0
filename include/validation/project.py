"""One run's own copy of the Great Expectations configuration, so that runs share no state."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd

from include.contract import keys
from include.errors import ValidationBrokenError

MAX_LISTED = 10_000
_ONE_AT_A_TIME = Lock()

# The classes of Great Expectations are `Any`: it is imported inside functions only.
Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Project:
    """A writable copy of `gx/` for one run.

    Attributes
    ----------
    root : Path
        Folder that holds the copy, called ``gx``, and, after a build, ``docs``.
    context : FileDataContext
        Great Expectations' view of the copy.
    """

    root: Path
    context: Any

    @property
    def folder(self) -> Path:
        """The copy of the configuration."""
        return self.root / "gx"

    @property
    def built_site(self) -> Path:
        """The Data Docs as Great Expectations builds them, not yet fit for offline use."""
        return self.folder / "data_docs"


@contextmanager
def open_project(gx_root: Path, work_dir: Path) -> Iterator[Project]:
    """Yield the project of `work_dir`; an earlier step of the same run is continued.

    Great Expectations reads YAML with one parser for the whole process: one project is open at a
    time, and other threads wait.

    Parameters
    ----------
    gx_root : Path
        The repository's ``gx`` folder; only read.
    work_dir : Path
        A folder of this run alone.
    """
    # It logs some 200 times what it does not register.
    # Airflow's own namespace_levels do not reach loggers of the standard library.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as ge

    folder = work_dir / "gx"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(gx_root / "great_expectations.yml", folder)
    with _ONE_AT_A_TIME:
        yield Project(work_dir, ge.get_context(mode="file", project_root_dir=work_dir))


def load_suite(gx_root: Path, suite_name: str) -> dict[str, Any]:
    """Return the suite that the repository holds under `suite_name`.

    Raises
    ------
    ValidationBrokenError
        If there is none, or it is not a suite of that name.
    """
    path = gx_root / "expectations" / f"{keys.pipeline_name(suite_name)}.json"
    try:
        suite: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as err:
        raise ValidationBrokenError(f"{suite_name}: there is no suite {path.name} in gx") from err
    except ValueError as err:
        raise ValidationBrokenError(f"{suite_name}: {path.name} is not JSON: {err}") from err
    if suite.get("name") != suite_name:
        raise ValidationBrokenError(f"{path.name} is the suite of {suite.get('name')!r}")
    return suite


def run_suite(
    project: Project, suite: dict[str, Any], frame: pd.DataFrame, *, run_id: str
) -> Results:
    """Return the results of each expectation on `frame`; the project keeps them for Data Docs.

    Parameters
    ----------
    project : Project
    suite : dict
        Name, notes, meta and expectations, as in ``gx/expectations``.
    frame : DataFrame of shape (n_rows, n_columns)
        With ``_id``, by which rows that break an expectation are named.
    run_id : str
        Unique name of the run.

    Raises
    ------
    ValidationBrokenError
        If an expectation could not be evaluated: never a verdict on the records.
    """
    from great_expectations import ExpectationSuite, ValidationDefinition
    from great_expectations.core.run_identifier import RunIdentifier

    context, name = project.context, suite["name"]
    kept = project.folder / "validations" / name
    shutil.rmtree(kept, ignore_errors=True)  # of an earlier attempt of this run
    stored = context.suites.add_or_update(ExpectationSuite(**suite))
    source = context.data_sources.add_or_update_pandas("records")
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
    definition = ValidationDefinition(name=name, data=batch, suite=stored)
    result = context.validation_definitions.add_or_update(definition).run(
        batch_parameters={"dataframe": frame},
        run_id=RunIdentifier(run_name=keys.safe_run_id(run_id)),
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["_id"],
            "return_unexpected_index_query": False,
        },
    )
    found: Results = [each.to_json_dict() for each in result.results]
    _escape_stored(kept)
    _check_evaluated(name, found, expected=len(suite["expectations"]))
    return found


def _escape_stored(folder: Path) -> None:
    """Make what came from the records safe to show: Data Docs puts it into HTML as it is."""
    for path in folder.rglob("*.json"):
        stored = json.loads(path.read_text())
        for each in stored["results"]:
            each["result"] = _escaped(each["result"])
        path.write_text(json.dumps(stored))


def _escaped(value: Any) -> Any:  # any JSON value
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, list):
        return [_escaped(each) for each in value[:MAX_LISTED]]
    if isinstance(value, dict):
        return {escape(name): _escaped(each) for name, each in value.items()}
    return value


def _check_evaluated(name: str, found: Results, expected: int) -> None:
    for each in found:
        message = _exception_message(each["exception_info"])
        if message is not None:
            rule = each["expectation_config"]
            column = rule["kwargs"].get("column", "the table")
            raise ValidationBrokenError(f"{name}: {rule['type']} of {column}: {message}")
    if len(found) != expected:
        raise ValidationBrokenError(f"{name}: {len(found)} of {expected} expectations evaluated")


def _exception_message(info: dict[str, Any]) -> str | None:
    # One metric's failure comes flat, several come by metric id.
    for each in (info, *info.values()):
        if isinstance(each, dict) and each.get("raised_exception"):
            return str(each.get("exception_message"))
    return None
