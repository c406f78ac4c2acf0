"""NightCatch: the application behind the DAGs and the scoring service; it never imports Airflow."""
