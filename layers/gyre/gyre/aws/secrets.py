"""What Secrets Manager keeps."""

from botocore.exceptions import BotoCoreError, ClientError

from gyre.aws.clients import client, told
from gyre.errors import GyreError, Unavailable


def read_secret(name: str) -> str:
    """A secret's text as it is now, or `Unavailable`, whatever the reason: who asks for one has work that waits."""
    what = f"The secret {name}"
    try:
        text = client("secretsmanager").get_secret_value(SecretId=name).get("SecretString")
    except (ClientError, BotoCoreError) as error:
        reason: GyreError = told(error, what)
        raise Unavailable(reason.message) from error
    if not text:
        raise Unavailable(f"{what} holds no text.")
    return str(text)
