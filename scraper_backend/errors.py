"""Every way a look-up can fail, with the status it is answered with. Says nothing of how failures are recognised."""

from http import HTTPStatus


class LookupFailed(Exception):
    """A look-up that ends without a taxpayer. `detail` is Spanish, for the API's caller, and holds no internals.

    `retry_after` is in whole seconds; None where asking again is pointless. `outcome` is the word for the log.
    """

    status: HTTPStatus
    outcome: str

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class InvalidRuc(LookupFailed):
    """The caller's fault: the number cannot be a RUC."""

    status = HTTPStatus.BAD_REQUEST
    outcome = "invalid"


class NotRegistered(LookupFailed):
    """SUNAT's answer: a RUC that nobody has."""

    status = HTTPStatus.NOT_FOUND
    outcome = "not_registered"


class NotUnderstood(LookupFailed):
    """Our fault, or a changed site: a page came that must not be guessed at."""

    status = HTTPStatus.BAD_GATEWAY
    outcome = "not_understood"


class Unavailable(LookupFailed):
    """SUNAT refuses or fails for now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    outcome = "unavailable"


class Busy(LookupFailed):
    """Every session is in use, and the wait for one was too long."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    outcome = "busy"


class DeadlinePassed(LookupFailed):
    """SUNAT did not answer in the time allowed."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    outcome = "deadline"


class InvalidSetting(Exception):
    """A setting of the environment, or something it needs on this machine, is wrong. The text is one line."""
