"""/metrics: what Prometheus reads."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response

from gyre.monitoring.figures.metrics import CONTENT_TYPE, exposition
from gyre.monitoring.figures.standing import letters, standings
from gyre.monitoring.figures.traffic import TrafficBook
from gyre.monitoring.kept import latest_looks
from gyre.objects import ObjectStore


def router(commit: str, data: ObjectStore, artifacts: ObjectStore, traffic: TrafficBook) -> APIRouter:
    """The route of functions/drift that programs look at all the time."""
    routes = APIRouter()

    @routes.get("/metrics", summary="Looks, traffic and releases as Prometheus text.", response_class=Response)
    def metrics() -> Response:
        now, serving = datetime.now(UTC), standings(artifacts)
        looks = latest_looks((each.model for each in serving), data)
        text = exposition(commit, now, looks, traffic.today(now), serving, letters(data))
        return Response(text, media_type=CONTENT_TYPE)

    return routes
