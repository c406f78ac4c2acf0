"""The release gate: its rules, their limits and their verdicts."""
