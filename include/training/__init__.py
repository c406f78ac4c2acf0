"""What turns records into a calibrated, exportable model; knows arrays, never stores or Airflow."""
