"""What is shown of a task: one picture of it, and its text. Knows neither Jupyter nor HTML."""
