"""Pages inside the Airflow UI: what a person reads of the models. They know nothing of Airflow."""
