"""The OpenAPI document: the committed copy, what it promises, and whether the service keeps it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from app.export import main
from app.openapi import render
from tests.app.service import Service, running

COPY = Path(__file__).parents[2] / "docs" / "openapi.json"
EVERY_CHECK = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def operations(service: Service) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for path in service.app.openapi()["paths"].values()
        for operation in path.values()
    }


def test_the_committed_copy_is_this_versions_document(gallery: Service) -> None:
    assert render(gallery.app) == COPY.read_text(encoding="utf-8"), "run: make openapi"


def test_the_command_writes_the_copy(tmp_path: Path) -> None:
    main(tmp_path / "openapi.json")
    assert (tmp_path / "openapi.json").read_bytes() == COPY.read_bytes()


def test_every_operation_has_a_name_of_our_own(gallery: Service) -> None:
    assert all(name.isidentifier() and "__" not in name for name in operations(gallery))


def test_limits_are_stated_to_the_last_digit(gallery: Service) -> None:
    fields = gallery.app.openapi()["components"]["schemas"]["TrainRequest"]["properties"]
    assert fields["seed"]["anyOf"][0] == {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}


def test_every_refusal_is_documented_as_a_problem(gallery: Service) -> None:
    for name, operation in operations(gallery).items():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (name, status)


@pytest.fixture(scope="module")
def fuzzed(pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that draws small grids only: what is asked of it is not."""
    with running(tmp_path_factory.mktemp("fuzzed"), max_pixels=200_000, max_candidates=200) as service:
        yield service


schema = schemathesis.openapi.from_path(COPY)


@schema.parametrize()
@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_finds_a_fault_or_an_undocumented_answer(case: schemathesis.Case[Any], fuzzed: Service) -> None:
    case.call_and_validate(base_url=str(fuzzed.client.base_url), checks=EVERY_CHECK)
