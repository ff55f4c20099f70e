"""What a task is: text in, `TaskSpec` out. Knows nothing of running."""
