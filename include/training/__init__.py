"""Train, calibrate and export models; works on arrays; imports no store and no Airflow."""
