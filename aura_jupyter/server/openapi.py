"""`openapi.json`, made of the table of operations and its models."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .. import __version__
from ..rest import ProblemDocument, ServedUpdate
from . import problems
from .operations import OPERATIONS, Operation

Json = dict[str, Any]
_OF_ALL = (400, 403, 405, 413, 500)
_REF = "#/components/schemas/{model}"
_LINKED = ("task", "logs", "events", "cancel", "rerun")
_EXAMPLE = {
    "task_spec": """inputs:
  - {name: n, type: integer}
steps:
  - name: say
    action: core.log
    params: {message: "The square of {{ inputs.n }}"}
returns: "{{ inputs.n ** 2 }}"
""",
    "inputs": {"n": 4},
}


@cache
def document(base: str) -> Json:
    """The description of the API (OpenAPI 3.1).

    Args:
        base: the path that the addresses stand below, such as `/aura`.
    """
    schemas = _schemas()
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/{operation.path}", {})[operation.verb.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "aura_jupyter",
            "version": __version__,
            "description": "Run tasks in the kernels of a Jupyter Server, and look at them.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token` and the server's token, with a space between.",
                }
            },
        },
    }


def _schemas() -> Json:
    answers: list[Any] = [(each.answer, "serialization") for each in OPERATIONS if each.answer is not None]
    bodies: list[Any] = [(each.body, "validation") for each in OPERATIONS if each.body is not None]
    others: list[Any] = [(ProblemDocument, "serialization"), (ServedUpdate, "serialization")]
    _, made = models_json_schema(list(dict.fromkeys((*answers, *bodies, *others))), ref_template=_REF)
    found: Json = made["$defs"]
    return found


def _operation(operation: Operation) -> Json:
    made: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Needs the permission `{operation.needs}` on `kernels`.",
        "parameters": [*_path_parameters(operation), *_query_parameters(operation.query)],
        "responses": {str(operation.status): _success(operation), **_refusals(operation)},
    }
    if operation.body is not None:
        made["requestBody"] = _body(operation.body)
    return made


def _path_parameters(operation: Operation) -> list[Json]:
    if "{task_id}" not in operation.path:
        return []
    return [
        {
            "name": "task_id",
            "in": "path",
            "required": True,
            "description": "The task's id.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
        }
    ]


def _query_parameters(model: type[BaseModel]) -> list[Json]:
    properties: Json = model.model_json_schema()["properties"] if model.model_fields else {}
    return [_query_parameter(name, dict(schema)) for name, schema in properties.items()]


def _query_parameter(name: str, schema: Json) -> Json:
    """A parameter that may be left out is never null: nothing can be written for that in an address."""
    about = schema.pop("description", "")
    choices = [choice for choice in schema.pop("anyOf", [{}]) if choice != {"type": "null"}]
    schema = {key: value for key, value in {**schema, **choices[0]}.items() if key != "title" and value is not None}
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def _body(model: type[BaseModel]) -> Json:
    required = any(field.is_required() for field in model.model_fields.values())
    content: Json = {"schema": _ref(model)}
    if "inputs" in model.model_fields:
        content["example"] = _EXAMPLE
    return {"required": required, "content": {"application/json": content}}


def _success(operation: Operation) -> Json:
    if operation.is_stream:
        about = "Events of the type `task`, whose data is a `ServedUpdate` as JSON; a comment every 15 seconds."
        schema = {"type": "string", "contentMediaType": "text/event-stream"}
        return {"description": about, "content": {"text/event-stream": {"schema": schema}}}
    schema = _ref(operation.answer) if operation.answer is not None else {"type": "object"}
    made: Json = {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    if operation.answer is not None and "task_id" in operation.answer.model_fields and operation.status == 202:
        made["headers"] = {"Location": {"description": "Of the task.", "schema": {"type": "string"}}}
        made["links"] = {
            name: {"operationId": name, "parameters": {"task_id": "$response.body#/task_id"}} for name in _LINKED
        }
    return made


def _refusals(operation: Operation) -> Json:
    statuses = {*_OF_ALL, *operation.refusals, *((415,) if operation.body is not None else ())}
    found = {str(status): _refusal(status) for status in sorted(statuses)}
    if operation.is_stream:
        found["204"] = {"description": "The task has ended, and the listener has heard it all."}
    return found


def _refusal(status: int) -> Json:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {problems.JSON: {"schema": _ref(ProblemDocument)}},
    }


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": _REF.format(model=model.__name__)}
