"""A program outside the notebook: it runs a task in the kernel that it is told, and says what came of it."""

import sys

from aura_jupyter.client import Client

SPEC = """
meta:
  title: "Sum for {{ inputs.who }}"
inputs:
  - {name: who, type: string}
  - {name: numbers, type: "list[integer]"}
steps:
  - name: look
    action: core.log
    params: {message: "{{ inputs.numbers | length }} numbers came in"}
  - name: check
    action: core.assert
    params: {that: "{{ inputs.numbers | min > 0 }}", message: all of them must be positive}
returns: "{{ inputs.numbers | sum }}"
"""

with Client() as client:  # the Jupyter server of this machine
    task = client.run_ad_hoc(SPEC, {"who": "a script", "numbers": [19, 23]}, kernel_id=sys.argv[1])
    for line in client.logs(task.task_id, follow=True):
        print(f"{line.step}: {line.text}", file=sys.stderr)
    print(task.task_id, client.wait(task.task_id).result.value)
