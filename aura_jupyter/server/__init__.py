"""The Jupyter Server extension: other programs run tasks in the server's kernels, and look at them."""
