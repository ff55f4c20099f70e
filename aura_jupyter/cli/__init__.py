"""`jupyter aura …`: run and check specs from a shell. Knows neither notebooks nor Jupyter."""
