"""Tasks sent to a Lambda function as events."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told


class LambdaErrands:
    """`Errands` over Lambda, which tries each event three times and tells a notice of one that failed."""

    def __init__(self, function: str) -> None:
        self._function = function

    def send(self, task: str, payload: Mapping[str, Any]) -> None:
        content = json.dumps({"task": task, **payload}).encode()
        try:
            client("lambda").invoke(FunctionName=self._function, InvocationType="Event", Payload=content)
        except (ClientError, BotoCoreError) as error:
            raise told(error, f"the errand {task}") from error
