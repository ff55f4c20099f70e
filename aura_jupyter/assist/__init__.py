"""Help for those who write a spec: what fits at a place, and what is said of it. Knows no front end."""
