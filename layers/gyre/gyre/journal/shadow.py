"""A challenger's answers to what production was asked: recorded like any other, and told to nobody."""

from collections.abc import Mapping
from dataclasses import replace

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from gyre.errors import GyreError, TooManyRequests, Unavailable
from gyre.journal.calls import Call, record_of
from gyre.journal.outlet import Outlet
from gyre.journal.record import SHADOW, Fault, Served
from gyre.serving.answer import Serving
from gyre.serving.question import Question
from gyre.serving.shadow import ShadowCall
from gyre.telemetry import TimeSplit


def take_shadows(messages: Mapping[str, str], serving: Serving, outlet: Outlet, log: Logger) -> list[str]:
    """The ids of messages that are to come again: what failed for now, or cannot be read."""
    again = []
    for id_, body in messages.items():
        try:
            asked = ShadowCall.model_validate_json(body)
        except ValidationError as error:
            # Not what was sent: rows stand in it.
            reason = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:20])
            log.warning("no shadow call", extra={"message_id": id_, "reason": reason[:500]})
            again.append(id_)
            continue
        try:
            _take(asked, serving, outlet)
        except (Unavailable, TooManyRequests) as error:
            log.warning("again", extra={"message_id": id_, "reason": error.message})
            again.append(id_)
    return again


def _take(asked: ShadowCall, serving: Serving, outlet: Outlet) -> None:
    times = TimeSplit()
    call = Call(f"{asked.event_id}{SHADOW}", asked.at, asked.caller, asked.correlation_id, kind="shadow")
    question = Question(asked.model, asked.asked(), "challenger", partial=True)
    try:
        answer = serving.answer_by(asked.challenger, question, times)
    except Exception as error:  # noqa: BLE001  # what a challenger does wrong is what is to be found out
        told = error if isinstance(error, GyreError) else None
        message = told.message if told else f"{type(error).__name__}: {error}"
        fault = Fault(code=told.code if told else "internal", message=message[:2_000], field=told and told.field)
        record = record_of(call, 503, times, question, None, fault)
        who = Served(version=asked.challenger.version, alias="challenger", rows=len(asked.rows), fault=message[:500])
        outlet.put(record.model_copy(update={"served": (who,)}))
        return
    outlet.put(record_of(call, 200, times, replace(question, rows=asked.told()), answer))
