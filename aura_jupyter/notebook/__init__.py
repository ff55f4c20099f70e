"""The person's side: the only room that imports IPython, ipywidgets and ipykernel."""
