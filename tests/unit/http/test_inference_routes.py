from gyre import __version__
from gyre.http.docs_page import openapi_document
from tests.unit.parts import House, told
from tests.unit.registry.house import release


def test_health_tells_what_runs() -> None:
    told_ = House().client("inference").get("/health").json()
    assert told_ == {"status": "ok", "version": __version__, "commit": "c0ffee", "environment": "local"}


def test_without_a_release_it_is_not_ready() -> None:
    assert told(House().client("inference").get("/ready"), 503)["code"] == "not_ready"


def test_with_a_release_it_is_ready() -> None:
    house = House()
    release("wine", 3, house.artifacts)
    answer = house.client("inference").get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready"}  # and no names: everybody may ask this


def test_the_document_is_served_as_it_is_committed() -> None:
    assert House().client("inference").get("/openapi.json").json() == openapi_document()


def test_the_page_names_every_route() -> None:
    answer = House().client("inference").get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    for path, methods in openapi_document()["paths"].items():
        assert f"<code>{path}</code>" in answer.text
        for operation in methods.values():
            assert operation["tags"][0] in answer.text


def test_the_pages_fetch_nothing_from_elsewhere() -> None:
    client = House().client("inference")
    for path in ("/", "/docs"):
        assert not [word for word in ("http://", "https://", "<script", "@import") if word in client.get(path).text]


def test_links_of_the_front_page_stay_in_the_stage() -> None:
    page = House().client("inference").get("/").text
    assert 'href="docs"' in page
    assert 'href="/' not in page
