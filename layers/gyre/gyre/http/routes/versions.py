"""/models/{model}/versions: what was trained, how good it is, and what a person says of it."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ConfigDict, Field

from gyre.documented import Documented
from gyre.errors import Conflict, NotFound
from gyre.http.pages import NOTHING_RUNS, page_answer
from gyre.http.shapes import Model
from gyre.objects import ObjectStore
from gyre.registry.approval import Approval, heard, pending, settle
from gyre.registry.overview import folder_of, listed, whole
from gyre.registry.version import model_version
from gyre.workflow import Workflow

Version = Annotated[int, Path(ge=1)]
Comment = Annotated[str, Field(max_length=2_000)]
Form = Annotated[Literal["html", "json"], Query()]


class Reasoned(Documented):
    """What somebody does, with a reason."""

    model_config = ConfigDict(extra="forbid")

    comment: Comment | None = None
    """Why; it stays in the history."""


class ApproveRequest(Reasoned):
    """What the person says."""

    approved: bool = True
    """False: it shall not serve."""


YES = ApproveRequest()


def router(artifacts: ObjectStore, workflow: Workflow) -> APIRouter:
    """The routes about versions."""
    routes = APIRouter()

    def left(model: str, version: int, name: str, what: str) -> bytes:
        """What the run of a version left in its folder."""
        folder = folder_of(model_version(model, version, artifacts), artifacts)
        try:
            return folder.read(name)
        except NotFound:
            raise NotFound(
                f"Version {version} of {model} has no {what}: GET /runs/{folder.run} shows how far its run came, and "
                f"GET /models/{model}/versions/{version} what there is.",
                field="version",
            ) from None

    def asked(model: str, version: int) -> Approval | None:
        """What nobody has decided yet."""
        try:
            return pending(model, version, artifacts)
        except (NotFound, Conflict):
            return None

    def hears(question: Approval) -> bool:
        """Whether the run that asked still waits: after a week, or if somebody stopped it, it does not."""
        try:
            return workflow.show(question.run).status == "running"
        except NotFound:
            return False

    @routes.get("/models/{model}/versions", summary="The versions of a model, newest first.")
    def versions(
        model: Model,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        before: Annotated[int | None, Query(ge=1)] = None,
    ) -> dict[str, Any]:
        found, following = listed(model, artifacts, limit=limit, before=before)
        return {"versions": found, "before": following}

    @routes.get("/models/{model}/versions/{version}", summary="One version: what it is, its gates, where it stands.")
    def version(model: Model, version: Version) -> dict[str, Any]:
        question = asked(model, version)
        return whole(model, version, artifacts) | {"waits_for_approval": question is not None and hears(question)}

    @routes.get("/models/{model}/versions/{version}/card", summary="Its model card, as a page or as JSON.")
    def card(model: Model, version: Version, form: Form = "html") -> Response:
        return page_answer(left(model, version, f"card.{form}", "model card"), form)

    @routes.get(
        "/models/{model}/versions/{version}/evaluation", summary="How good it is on its test part, and for whom."
    )
    def evaluation(model: Model, version: Version) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(left(model, version, "evaluation.json", "evaluation"))
        folder = folder_of(model_version(model, version, artifacts), artifacts)
        return {**told, "fairness": folder.find_json("fairness.json")}

    # SVG alone, for it is text: a gateway hands bytes on as base64 unless the caller asks for their very type.
    @routes.get("/models/{model}/versions/{version}/plots/{name}", summary="A picture of its evaluation, as SVG.")
    def plot(model: Model, version: Version, name: Annotated[str, Path(pattern=r"^[a-z0-9_]{1,80}\.svg$")]) -> Response:
        content = left(model, version, f"plots/{name}", f"picture {name}")
        return Response(content, media_type="image/svg+xml", headers=NOTHING_RUNS)

    @routes.post("/models/{model}/versions/{version}/approve", summary="Say whether a version that waits may serve.")
    def approve(model: Model, version: Version, request: Request, wanted: ApproveRequest = YES) -> dict[str, Any]:
        actor = request.state.caller.id
        outcome: Literal["approved", "rejected"] = "approved" if wanted.approved else "rejected"
        if (question := asked(model, version)) and not hears(question):
            raise Conflict(
                f"The run {question.run} no longer waits for version {version} of {model}: "
                f"POST /models/{model}/promote releases it by hand.",
                field="version",
            )
        decided = settle(model, version, outcome, artifacts, actor=actor, comment=wanted.comment)
        workflow.answer(decided.token, {"approved": wanted.approved, "actor": actor, "comment": wanted.comment or ""})
        return {**heard(decided, artifacts).to_json(), "status_url": f"/runs/{decided.run}"}

    return routes
