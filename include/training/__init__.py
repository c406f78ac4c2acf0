"""Train, calibrate and export models; works on arrays, knows no store and no Airflow."""
