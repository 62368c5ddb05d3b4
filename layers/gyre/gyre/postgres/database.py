"""Transactions over one connection, which stays open while it can; what PostgreSQL says, as our errors."""

import ssl
import time
from collections.abc import Callable
from typing import Any

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection
from scramp import ScramException

from gyre.errors import Invalid, Unavailable
from gyre.postgres.login import Login, parse_login

Rows = list[list[Any]]
Run = Callable[..., Rows]
"""One statement, with its parameters by name."""

_TRIES = 3
_STATEMENT_SECONDS = 15
# Longer than a statement may take: PostgreSQL itself is the first to end it.
_SOCKET_SECONDS = 20.0
# Networks forget idle connections without a word (AWS's after 350 s), and a frozen function hears nothing anyway.
_IDLE_SECONDS = 240.0
# Of each transaction: poolers hand one session to many. A function that is frozen in the middle of one must not hold
# its locks for ever; and what SQS is told is done must outlast a crash of the server.
_BEGIN = (
    f"begin isolation level read committed; set local statement_timeout = '{_STATEMENT_SECONDS}s';"
    f" set local idle_in_transaction_session_timeout = '{_STATEMENT_SECONDS * 2}s';"
    " set local synchronous_commit = on"
)
# SQLSTATE, by classes: what lies in the record itself. Triggers of others on our tables speak by some of them.
_OF_THE_RECORD = {"21", "22", "23", "27", "38", "39", "44", "54", "P0"}
_LOGIN_REFUSED = {"28"}
_AGAIN = {"40001", "40P01"}  # serialization failure, deadlock
_NETWORK = (InterfaceError, OSError, ScramException)


class Database:
    """One database. `read_secret` tells how it is reached, and is asked again when the login is refused; `prepare`
    begins every new connection."""

    def __init__(self, read_secret: Callable[[], str], prepare: Callable[[Run], None]) -> None:
        self._read_secret, self._prepare = read_secret, prepare
        self._login: Login | None = None
        self._held: Connection | None = None
        self._used_at = 0.0

    def transaction[T](self, work: Callable[[Run], T]) -> T:
        """All of it or nothing: `Invalid` if the values are at fault, else `Unavailable`. It may be tried more than
        once: after a commit whose answer is lost nobody knows whether it was one."""
        for left in reversed(range(_TRIES)):
            known = self._is_held()
            try:
                connection = self._held or self._connect()
                found = _whole(connection, work)
            except _NETWORK as error:
                self.close()
                if not left or not known:  # a new connection that breaks is no chance
                    raise _lost(error) from None
            except DatabaseError as error:
                code = _code(error)
                if code[:2] in _OF_THE_RECORD:
                    raise Invalid(f"PostgreSQL cannot take this: it answers {code}.") from None
                if code not in _AGAIN or not left:
                    self.close()
                    raise _refusal(code) from None
            else:
                self._used_at = time.time()
                return found
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """The next transaction opens another connection."""
        if self._held is not None:
            _close(self._held)
        self._held = None

    def _is_held(self) -> bool:
        """Whether there is a connection, which may have ended without a word."""
        if not 0 <= time.time() - self._used_at < _IDLE_SECONDS:
            self.close()
        return self._held is not None

    def _connect(self) -> Connection:
        """A new connection whose database is prepared. Whatever is refused until then is no fault of a record."""
        try:
            made = self._logged_in()
            try:
                _whole(made, self._prepare)
            except BaseException:
                _close(made)
                raise
        except DatabaseError as error:
            raise _refusal(_code(error)) from None
        self._held, self._used_at = made, time.time()
        return made

    def _logged_in(self) -> Connection:
        if self._login is not None:
            try:
                return _opened(self._login)
            except DatabaseError as error:
                if _code(error)[:2] not in _LOGIN_REFUSED:
                    raise
        # The first time, or the password was changed.
        self._login = parse_login(self._read_secret())
        return _opened(self._login)


def _opened(login: Login) -> Connection:
    return Connection(
        login.username, host=login.host, port=login.port, database=login.dbname,
        password=login.password.get_secret_value(), ssl_context=login.tls(), timeout=_SOCKET_SECONDS,
        application_name="gyre",
    )  # fmt: skip


def _whole[T](connection: Connection, work: Callable[[Run], T]) -> T:
    """Begin, work, commit. After a refusal the connection is as good as before."""
    connection.run(_BEGIN)
    try:
        found = work(connection.run)
        connection.run("commit")
    except DatabaseError:
        connection.run("rollback")
        raise
    return found


def _close(connection: Connection) -> None:
    try:
        connection.close()
    except _NETWORK:
        return  # the other end is gone, and so it is closed


def _code(error: DatabaseError) -> str:
    """The SQLSTATE. Nothing else of what PostgreSQL says is told: it quotes the values that it was given."""
    told = error.args[0] if error.args else None
    return str(told.get("C", "")) if isinstance(told, dict) else ""


def _lost(error: BaseException) -> Unavailable:
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unavailable(
            f"PostgreSQL's certificate was not accepted ({cause.verify_message}): put the certificates of who signed it"
            " into the secret as sslrootcert. The records wait in the queue."
        )
    return Unavailable(
        f"PostgreSQL did not answer ({type(cause).__name__}): look whether it runs, whether its network lets the"
        " function in, and whether it speaks TLS as the secret's sslmode asks. The records wait in the queue."
    )


def _refusal(code: str) -> Unavailable:
    if code[:2] in _LOGIN_REFUSED:
        return Unavailable(f"PostgreSQL refused the login of the secret ({code}). The records wait in the queue.")
    return Unavailable(f"PostgreSQL answered {code or 'with an error'}: docs/postgresql.md tells what to do.")
