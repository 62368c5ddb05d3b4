from gyre.http.factory import OPEN_PATHS
from infra.openapi import DOCUMENT, as_text, document


def test_the_committed_document_is_the_one_of_the_code() -> None:
    assert DOCUMENT.read_text() == as_text(document()), "openapi.json has drifted: run `make openapi`"


def test_every_route_says_what_it_is_for_and_whose_it_is() -> None:
    operations = [operation for methods in document()["paths"].values() for operation in methods.values()]
    assert operations
    assert not [each for each in operations if not each.get("summary") or len(each["tags"]) != 1]


def test_only_the_open_routes_ask_for_no_key() -> None:
    made = document()
    free = {path for path, methods in made["paths"].items() for told in methods.values() if told.get("security") == []}
    assert free == OPEN_PATHS
    assert made["security"] == [{"key": []}, {"bearer": []}]
