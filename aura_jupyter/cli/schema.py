"""`jupyter aura schema`: the JSON Schema of specs."""

from __future__ import annotations

import argparse
import json

from ..spec.model import json_schema
from .endings import OK


def main(_: argparse.Namespace) -> int:
    """Write the schema.

    Returns:
        The exit status.
    """
    print(json.dumps(json_schema(), indent=2))
    return OK
