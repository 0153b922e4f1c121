"""The DAG as it is, with delays for tests: Airflow asks each second, and tries again at once."""

from datetime import timedelta

from annotate_daily import dag

for task in dag.tasks:
    task.retry_delay, task.retry_exponential_backoff = timedelta(seconds=1), False
    task.poll_seconds = 1
