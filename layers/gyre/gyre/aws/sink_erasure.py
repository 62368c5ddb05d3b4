"""The copy in PostgreSQL as an erasure reaches it: by a function that stands in the database's network."""

import json
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import patient_client, told
from gyre.errors import Unavailable

# More than the function may take.
SECONDS = 330


class LambdaSink:
    """`CopiedRows` behind a function."""

    def __init__(self, function: str) -> None:
        self._function = function

    def erase(self, pseudonyms: Sequence[str]) -> int:
        content = json.dumps({"pseudonyms": list(pseudonyms)}).encode()
        try:
            answer = patient_client("lambda", SECONDS).invoke(FunctionName=self._function, Payload=content)
            found = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError) as error:
            raise told(error, "the erasure in PostgreSQL") from error
        if "FunctionError" in answer:
            raise Unavailable(f"PostgreSQL was not erased from: {str(found.get('errorType'))[:100]}; see its log.")
        return int(found["erased"])
