"""How a task runs: asyncio alone, no Jupyter anywhere in this room."""
