"""What the DAG files share; no DAG is defined here."""
