"""Errors as HTTP: the table is complete, the shape is one."""

import json
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Depends

from gyre import errors
from gyre.errors import GyreError
from gyre.http.errors import STATUS
from tests.unit.parts import House, caller, router_of, told

EXPECTED = {
    "Invalid": (422, "invalid"),
    "Unauthenticated": (401, "unauthenticated"),
    "Forbidden": (403, "forbidden"),
    "NotFound": (404, "not_found"),
    "Conflict": (409, "conflict"),
    "TooLarge": (413, "too_large"),
    "UnsupportedMedia": (415, "unsupported_media_type"),
    "TooManyRequests": (429, "too_many_requests"),
    "NotReady": (503, "not_ready"),
    "Unavailable": (503, "unavailable"),
}


def family(root: type[GyreError] = GyreError) -> Iterator[type[GyreError]]:
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from family(each)


def test_every_error_has_a_status() -> None:
    assert set(STATUS) == set(family())


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [each.code for each in family()]
    assert len(codes) == len(set(codes))
    assert GyreError.code not in codes


@pytest.mark.parametrize("error", list(family()), ids=lambda error: error.__name__)
def test_an_error_of_a_route_becomes_its_status(error: type[GyreError]) -> None:
    house = House()

    def fail() -> None:
        raise error("It is so.", field="model")

    answer = caller(house.app(router_of("/fails", fail)), house.add_key()).get("/fails")
    status, code = EXPECTED[error.__name__]
    found = told(answer, status)
    assert (found["code"], found["message"], found["field"]) == (code, "It is so.", "model")


def test_without_a_field_and_details_none_are_told() -> None:
    house = House()

    def fail() -> None:
        raise errors.Invalid("It is so.")

    found = told(caller(house.app(router_of("/fails", fail)), house.add_key()).get("/fails"), 422)
    assert set(found) == {"code", "message", "request_id"}


def test_several_faults_are_told_with_their_facts() -> None:
    house = House()

    def fail() -> None:
        raise errors.Invalid("Two faults.", details=[{"line": 1, "message": "a"}, {"line": 7, "message": "b"}])

    found = told(caller(house.app(router_of("/fails", fail)), house.add_key()).get("/fails"), 422)
    assert found["details"] == [{"line": 1, "message": "a"}, {"line": 7, "message": "b"}]


def test_what_a_caller_did_wrong_is_one_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """No stack: nothing is broken here."""
    house = House()

    def fail() -> None:
        raise errors.Invalid("It is so.")

    caller(house.app(router_of("/fails", fail)), house.add_key()).get("/fails")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["status"]) for line in lines] == [("answered", 422)]


async def refuse() -> None:
    raise errors.Conflict("It is so.")


def test_an_error_before_the_route_is_told_alike() -> None:
    house, routes = House(), APIRouter()
    routes.get("/fails", dependencies=[Depends(refuse)])(lambda: None)
    assert told(caller(house.app(routes), house.add_key()).get("/fails"), 409)["code"] == "conflict"
