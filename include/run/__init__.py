"""The steps of a training run: each reads files by digest, makes one call, and writes files.

Everything a step writes lies under ``runs/<pipeline>/<run_id>/`` and is replaced when the step runs
again, so a step may be killed anywhere. A file is read back only with the digest that the writing
step handed over through Airflow, or with the trainer's signature: never because of where it lies.
"""
