"""The steps of a nightly run: each reads by key, makes the call that knows how, and writes by key.

Everything a step writes lies under ``runs/<pipeline>/<run_id>/`` and is replaced when the step runs
again, so a step may be killed anywhere. What is pickled there is read back only with the digest
that the writing step handed over through Airflow, never because of where it lies.
"""
