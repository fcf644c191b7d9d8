"""What can go wrong between a pipeline and its code host, with the facts as fields. No message holds a token."""

from __future__ import annotations

from reconciler.diagnostics import ReconcilerError


class CiError(ReconcilerError):
    """Base of everything that the ``ci`` commands can end in."""


class SurroundingsError(CiError):
    """Something that a job has to be told is missing or cannot be used.

    Attributes:
        setting: the variable or the option.
    """

    def __init__(self, setting: str, message: str) -> None:
        self.setting = setting
        super().__init__(f"{setting}: {message}")


class NotInReviewError(CiError):
    """The job does not run for a pull request or a merge request."""


class DocumentError(CiError):
    """A JSON document that is not what the command was promised.

    Attributes:
        name: the file.
    """

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(f"{name}: {message}")


class LabelError(CiError):
    """An issue that was opened and did not get its label, so that the next run would not find it. It was closed again.

    Attributes:
        url: the issue.
        label: what it did not get.
    """

    def __init__(self, url: str, label: str) -> None:
        self.url = url
        self.label = label
        super().__init__(
            f"the issue {url} did not get the label {label!r}, by which the next run would find it, and was closed "
            "again: the token may not set labels. Give it the right to write issues"
        )


class HostError(CiError):
    """A request that the code host did not fulfil.

    Attributes:
        host: ``GitHub`` or ``GitLab``.
        method: the HTTP method.
        path: the path below the API's URL, without the query.
        status: the HTTP status, where there was an answer.
    """

    def __init__(self, message: str, *, host: str, method: str, path: str, status: int | None = None) -> None:
        self.host = host
        self.method = method
        self.path = path
        self.status = status
        super().__init__(f"{host}: {method} {path}: {message}")


class HostRefusedError(HostError):
    """The host understood and said no. Nothing was changed, and the same request would fail again."""


class HostUnavailableError(HostError):
    """No answer that counts, after all tries: no connection, a failing server, or a limit of requests."""


class AnswerLostError(HostError):
    """Something was to be made, and the answer was lost: it may be there or not. Only looking can tell."""


class UnreadableAnswerError(HostError):
    """The answer is not what the host's own documents promise."""
