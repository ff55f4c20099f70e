"""The API is as its description says, whatever comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from jsonschema import Draft202012Validator
from schemathesis import BaseSchema, Case, GenerationMode

from aura_jupyter.rest import ServedUpdate
from aura_jupyter.server.openapi import document
from aura_jupyter.server.operations import OPERATIONS, Operation
from tests.server.servers import TOKEN, JupyterServer, running_server

BOUNDED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server in which no task waits for a person: a stream of its events would not end."""
    with running_server(tmp_path_factory.mktemp("described")) as server:
        yield server


@pytest.fixture(scope="module")
def described(server: JupyterServer) -> BaseSchema:
    """The API, called with the token; what is generated is as described, and also not."""
    schema = schemathesis.openapi.from_url(
        f"{server.url}aura/openapi.json", headers={"Authorization": f"token {TOKEN}"}
    )
    schema.config.update(headers={"Authorization": f"token {TOKEN}"})
    schema.config.generation.update(modes=list(GenerationMode))
    accepted = schema.config.checks.positive_data_acceptance
    accepted.expected_statuses = [*accepted.expected_statuses, "422"]  # as described, and yet no task
    return schema


def test_every_operation_and_every_model_is_described(server: JupyterServer) -> None:
    described = server.get("openapi.json").json()
    assert described == document("/some%20base/aura")
    found = {(verb.upper(), path) for path, verbs in described["paths"].items() for verb in verbs}
    assert found == {(operation.verb, f"/{operation.path}") for operation in OPERATIONS}
    for model in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(model)
    assert "ServedUpdate" in described["components"]["schemas"]
    assert ServedUpdate.model_fields.keys() == described["components"]["schemas"]["ServedUpdate"]["properties"].keys()


def test_the_example_of_the_description_runs(server: JupyterServer) -> None:
    paths = server.get("openapi.json").json()["paths"]
    example = paths["/tasks/run/ad_hoc"]["post"]["requestBody"]["content"]["application/json"]["example"]
    accepted = server.client.run_ad_hoc(example["task_spec"], example["inputs"])
    result = server.client.wait(accepted.task_id).result
    assert result is not None
    assert result.value == example["inputs"]["n"] ** 2


def takes_anything(operation: Operation) -> bool:
    """Whether there is something that can be sent wrongly."""
    return bool("{" in operation.path or operation.query.model_fields or operation.body)


KINDS = [
    pytest.param(operation, mode, id=f"{operation.name} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or takes_anything(operation)
]


@pytest.mark.parametrize(("operation", "mode"), KINDS)
def test_whatever_is_sent_is_answered_as_described(
    described: BaseSchema, operation: Operation, mode: GenerationMode
) -> None:
    @settings(BOUNDED, max_examples=10)
    @given(described[f"/{operation.path}"][operation.verb].as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        case.call_and_validate()

    send()


def test_nor_does_one_call_after_another_find_anything(described: BaseSchema) -> None:
    run_state_machine_as_test(
        described.as_state_machine(), settings=settings(BOUNDED, max_examples=10, stateful_step_count=8)
    )
