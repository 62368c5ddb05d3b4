"""Errors as HTTP: the table is complete, the shape is one."""

from collections.abc import Iterator

import pytest

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


def test_without_a_field_none_is_told() -> None:
    house = House()

    def fail() -> None:
        raise errors.Invalid("It is so.")

    assert "field" not in told(caller(house.app(router_of("/fails", fail)), house.add_key()).get("/fails"), 422)
