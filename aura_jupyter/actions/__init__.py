"""What a step can do: the registry of actions and the built-in ones."""
