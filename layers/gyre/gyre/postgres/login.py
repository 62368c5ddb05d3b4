"""How a database is reached: a JSON text, as Secrets Manager keeps it for RDS and for others."""

import ssl
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from gyre.errors import Unavailable

# There is nobody between the two ends.
_LOCAL = {"localhost", "127.0.0.1", "::1"}
Text = Annotated[str, Field(min_length=1)]


class Login(BaseModel):
    """Where it is, and who asks. The password is never shown, whoever prints this."""

    # Services write more into their secrets than is needed here.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: Text
    port: Annotated[int, Field(ge=1, le=65_535)] = 5432
    dbname: Text
    username: Text
    password: SecretStr
    sslmode: Literal["disable", "require", "verify-full"] | None = None
    """verify-full: the server proves who it is. require: only nobody can listen. None: verify-full, but on one's own
    machine, where none is needed."""
    sslrootcert: str | None = None
    """The certificates, as PEM, of those who may vouch for the server; None: those that the system trusts."""

    def tls(self) -> ssl.SSLContext | Literal[False]:
        """What the connection is wrapped in."""
        mode = self.sslmode or ("disable" if self.host in _LOCAL else "verify-full")
        if mode == "disable":
            return False
        try:
            context = ssl.create_default_context(cadata=self.sslrootcert)
        except (ssl.SSLError, ValueError, TypeError):
            raise Unavailable("The secret's sslrootcert holds no certificates: paste them as PEM.") from None
        if mode == "require":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_login(text: str) -> Login:
    """A secret's text, or `Unavailable`: nothing is wrong with what waits to be written. Causes are cut off, as they
    would show the secret."""
    try:
        return Login.model_validate_json(text)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the text'}: {e['msg']}" for e in error.errors())
        raise Unavailable(
            f"The sink's secret is no JSON with host, port, dbname, username and password: {told}. Mend the secret; the"
            " records wait in the queue."
        ) from None
