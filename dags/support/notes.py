"""What came of a task, in one line: the plugin `run_notes` makes it part of the run's note."""

from airflow.sdk import get_current_context

KEY = "run_note"
_LONGEST = 400


def note(sentence: str) -> None:
    """Leave a line for the note of the run that this task belongs to; an empty one is none."""
    if sentence:
        get_current_context()["ti"].xcom_push(key=KEY, value=sentence[:_LONGEST])
