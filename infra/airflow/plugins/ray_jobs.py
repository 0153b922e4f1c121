"""A Ray job as an Airflow task: submitted once, waited for without a worker, ended with its task.

Enters: a command, and an Airflow connection of type HTTP to the dashboard of a Ray head, whose
password is Ray's token. Leaves: what the command prints as its last line, where that is JSON.
Holds: a task of a run has one submission id, and so has each instance of a mapped one. So a retry
that finds its job at work waits for that one, and starts it again, under the same id, where it has
ended; of two that submit at once one is refused. No worker slot is taken meanwhile: a trigger asks
for the job's state. Whoever kills the task, at work or deferred, stops the job.

No provider for Ray is maintained, so `ray_jobs_api` asks over the HTTP provider's hooks.
"""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import BaseOperator, BaseOperatorLink, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent
from ray_jobs_api import ENDED, RayJobs, ask, in_urls, path

TAIL = 60
"""Lines of a job's log that go to the task's."""
SETTLED = 6
"""Seconds after which Airflow has noted that a task is deferred: whoever watches its process looks
every 5. A task that goes on before that is taken for failed."""

SUBMISSION_ID = "{{ dag.dag_id }}~{{ task.task_id }}~{{ ti.map_index }}~{{ run_id }}"
"""Unique per task instance: ids of DAGs and tasks have no tilde. The index is -1 if not mapped."""


class RayJobLink(BaseOperatorLink):
    """From the task to its job in the dashboard."""

    name = "Ray job"

    def get_link(self, operator: BaseOperator, *, ti_key: object) -> str:
        """The job's page."""
        return RayJobs(operator.connection).url(operator.job_id)


class RayJobOperator(BaseOperator):
    """Runs `command` as a Ray job.

    `retry_unless` are exit codes after which a retry is of no use: 2 if the config cannot be used,
    4 if too much of the corpus would be lost. `passes` are those that count as success.
    """

    template_fields: ClassVar[Sequence[str]] = ("command", "submission_id", "env_vars")
    operator_extra_links = (RayJobLink(),)

    def __init__(
        self,
        *,
        command: Sequence[str],
        connection: str = "ray",
        submission_id: str = SUBMISSION_ID,
        env_vars: Mapping[str, str] | None = None,
        passes: Sequence[int] = (0,),
        retry_unless: Sequence[int] = (2, 4),
        poll_seconds: float = 10,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**kwargs)
        self.command = command
        self.connection = connection
        self.submission_id = submission_id
        self.env_vars = env_vars
        self.passes = passes
        self.retry_unless = retry_unless
        self.poll_seconds = poll_seconds

    @property
    def job_id(self) -> str:
        """The submission id as it is sent to Ray."""
        return in_urls(self.submission_id)

    def execute(self, context: Context) -> None:
        """Have the job run, and hand over to the trigger."""
        jobs = RayJobs(self.connection)
        found = jobs.find(self.job_id)
        if found and found["status"] in ENDED:
            self.log.info("The job of an earlier try has ended (%s).", found["status"])
            jobs.forget(self.job_id)
            found = None
        if found is None:
            jobs.submit(
                {
                    "submission_id": self.job_id,
                    "entrypoint": shlex.join(part for part in self.command if part),
                    "runtime_env": {"env_vars": dict(self.env_vars or {})},
                    "metadata": {"dag": self.dag_id, "task": self.task_id},
                }
            )
        self.log.info("Waiting for %s", jobs.url(self.job_id))
        self.defer(
            trigger=RayJobTrigger(self.connection, self.job_id, self.poll_seconds),
            method_name="completed",
            timeout=self.execution_timeout,
        )

    def completed(self, context: Context, event: dict[str, Any]) -> object:
        """The last line of the job's output, if JSON; raises where the job failed."""
        lines = RayJobs(self.connection).log(event["submission_id"])
        self.log.info("The job's log ends with:\n%s", "\n".join(lines[-TAIL:]))
        code = 0 if event["status"] == "SUCCEEDED" else event["driver_exit_code"]
        if code in self.passes:
            return json_of(lines[-1] if lines else "")
        what = f"Ray job {event['submission_id']} is {event['status']}, exit code {code}"
        if code is None:  # Ray lost it
            what += f" ({event['message']})"
        if code in self.retry_unless:
            raise AirflowFailException(f"{what}: another try would end so too. See its log above.")
        raise AirflowException(f"{what}. See its log above; the next try goes on from there.")

    def on_kill(self) -> None:
        """Stop the job: the task was killed before it was deferred."""
        RayJobs(self.connection).stop(self.job_id)


class RayJobTrigger(BaseTrigger):
    """Fires once the job has ended."""

    def __init__(self, connection: str, submission_id: str, poll_seconds: float) -> None:
        super().__init__()
        self.connection = connection
        self.submission_id = submission_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What a triggerer makes it from again."""
        names = ("connection", "submission_id", "poll_seconds")
        return "ray_jobs.RayJobTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event, with the job's status, exit code and what Ray says of it."""
        await asyncio.sleep(max(SETTLED, self.poll_seconds))
        while True:
            job = await ask(self.connection, "GET", path(self.submission_id), self.poll_seconds)
            if job["status"] in ENDED:
                names = ("submission_id", "status", "driver_exit_code", "message")
                yield TriggerEvent({name: job.get(name) for name in names})
                return
            await asyncio.sleep(self.poll_seconds)

    async def on_kill(self) -> None:
        """Stop the job: the deferred task was killed."""
        stop = path(self.submission_id, "stop")
        await ask(self.connection, "POST", stop, self.poll_seconds)


class RayJobsPlugin(AirflowPlugin):
    """What Airflow's web server must know of this module."""

    name = "ray_jobs"
    operator_extra_links: ClassVar = [RayJobLink()]


def json_of(line: str) -> object:
    """What `line` says in JSON; None if it is none."""
    try:
        return json.loads(line)
    except ValueError:
        return None
