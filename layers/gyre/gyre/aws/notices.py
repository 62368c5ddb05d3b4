"""Notices over SNS."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told

# SNS takes no more of a subject, and nothing but ASCII.
_MOST_LETTERS = 99


class SnsTopic:
    """`Notices` over one topic."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def tell(self, subject: str, message: Mapping[str, Any]) -> None:
        line = " ".join(subject.encode("ascii", "replace").decode().split())[:_MOST_LETTERS]
        try:
            client("sns").publish(TopicArn=self._arn, Subject=line, Message=json.dumps(message))
        except (ClientError, BotoCoreError) as error:
            raise told(error, "the notice") from error
