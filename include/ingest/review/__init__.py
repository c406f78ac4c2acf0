"""Records that wait until a person decides on them, and what became of each.

Knows no feed's settings and no Airflow: what is held, by whom and when, is given.
"""
