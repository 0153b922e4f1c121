"""Ray's Jobs API, over the hooks of Airflow's HTTP provider.

Enters: the name of an Airflow connection of type HTTP to the dashboard of a Ray head, whose
password is Ray's token. Leaves: what the head says of a job. Holds: a worker asks once, and its
task's retries are for the rest; a triggerer, which waits for hours, asks again while the head is
away.

The API: docs.ray.io, "Ray Jobs REST API".
"""

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientResponseError
from airflow.providers.http.hooks.http import HttpAsyncHook, HttpHook
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
OUTAGE_SECONDS = 900
"""That a head may be away while a job is waited for; after them the try fails, and not the job."""

LONGEST = 200
"""Maximum characters of a submission id, which is part of a file's name in Ray."""


class RayJobs:
    """The jobs of one cluster, as a worker asks for them."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._headers = bearer(HttpHook.get_connection(connection).password)

    def url(self, submission_id: str) -> str:
        """Where the dashboard shows the job."""
        return f"{HttpHook('GET', self._connection).url_from_endpoint('')}/#/jobs/{submission_id}"

    def find(self, submission_id: str) -> dict[str, Any] | None:
        """The job as Ray has it; None if there is none."""
        answer = self._ask("GET", path(submission_id), check_response=False)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def submit(self, job: Mapping[str, object]) -> None:
        """Submit `job`, which has a submission id."""
        self._ask("POST", path(), json=job)

    def forget(self, submission_id: str) -> None:
        """Take an ended job from Ray's list, so that its id can be submitted again."""
        self._ask("DELETE", path(submission_id))

    def stop(self, submission_id: str) -> None:
        """SIGTERM for the command, which ends it well; Ray kills it some seconds later."""
        self._ask("POST", path(submission_id, "stop"), check_response=False)

    def log(self, submission_id: str) -> list[str]:
        """What the command wrote, by line."""
        logs: str = self._ask("GET", path(submission_id, "logs")).json()["logs"]
        return logs.splitlines()

    def _ask(
        self, method: str, endpoint: str, check_response: bool = True, **request: object
    ) -> Any:  # noqa: ANN401
        hook = HttpHook(method, self._connection)
        options = {"check_response": check_response, "timeout": 60}
        return hook.run(endpoint, headers=self._headers, extra_options=options, **request)


async def ask(connection: str, method: str, endpoint: str, again_after: float) -> dict[str, Any]:
    """The answer; a head that is away or busy is asked again every `again_after` seconds."""
    asking = AsyncRetrying(
        retry=retry_if_exception(is_outage),
        wait=wait_fixed(again_after),
        stop=stop_after_delay(OUTAGE_SECONDS),
        reraise=True,
    )
    found: dict[str, Any] = await asking(_answer, connection, method, endpoint)
    return found


async def _answer(connection: str, method: str, endpoint: str) -> dict[str, Any]:
    hook = HttpAsyncHook(method, connection, retry_limit=1)
    token = (await hook.aget_connection(connection)).password
    async with hook.session() as session:
        answer = await session.run(endpoint, headers=bearer(token))
        found: dict[str, Any] = await answer.json()
    return found


def is_outage(error: BaseException) -> bool:
    """Whether the same question may well be answered later."""
    if isinstance(error, ClientResponseError):
        return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, ClientError | TimeoutError)


def path(*parts: str) -> str:
    """An endpoint of the Jobs API; Ray insists on the last slash of the list's."""
    return "/".join(("api", "jobs", *parts)) if parts else "api/jobs/"


def bearer(token: str | None) -> dict[str, str]:
    """The header that Ray's token authentication asks for; none where a cluster has no token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def in_urls(name: str) -> str:
    """`name` as part of a URL or a file's name; different names stay different.

    A run id has colons and a plus. They become `=3A` and `=2B`, because servers decode `%3A`.
    """
    escaped = re.sub(r"[^A-Za-z0-9_.~-]", _escaped, name)
    if len(escaped) <= LONGEST:
        return escaped
    return f"{escaped[: LONGEST // 2]}={hashlib.sha256(name.encode()).hexdigest()}"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in found[0].encode())
