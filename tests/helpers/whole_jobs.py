"""The command over a corpus, as a process that can be killed, and its output counted."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.helpers.corpora import make_corpus, make_settings, write_local

ROOT = Path(__file__).parents[2]
PROGRESSES_WITHIN = 240


@dataclass(frozen=True)
class WholeJob:
    """A config on disk with the ids of its corpus."""

    config: Path
    output: Path
    ids: list[str]
    environment: dict[str, str]

    @classmethod
    def over(
        cls, folder: Path, models: Path, rows: int, texts: tuple[str, ...] = (), **runtime: object
    ) -> "WholeJob":
        """A job over ``rows`` records and one for each of ``texts``, below ``folder``."""
        corpus = make_corpus(rows, texts)
        source = write_local(corpus, folder / "in")
        settings = make_settings(source, str(folder / "out"), models, **runtime)
        config = folder / "job.yaml"
        config.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
        poison = str(ROOT / "tests" / "poison")
        environment = {**os.environ, "COLUMNS": "250", "PYTHONPATH": poison}
        return cls(config, folder / "out", corpus["id"].to_pylist(), environment)

    def poison(self, words: Mapping[int, str]) -> dict[str, str]:
        """Put each word in front of the text of its record, by place; the words by record id."""
        place = 0
        for path in sorted((self.config.parent / "in").glob("*.parquet")):
            table = pq.read_table(path)
            texts = [
                f"{words[place + row]} {text}" if place + row in words else text
                for row, text in enumerate(table["text"].to_pylist())
            ]
            column = table.schema.get_field_index("text")
            pq.write_table(table.set_column(column, "text", pa.array(texts)), path)
            place += table.num_rows
        return {self.ids[row]: word for row, word in words.items()}

    def command(self, *options: str) -> list[str]:
        """What a shell would be told."""
        job = str(ROOT / "jobs" / "annotate.py")
        return [sys.executable, job, "--config", str(self.config), *options]

    def run(self, *options: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command(*options),
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    @contextmanager
    def started(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """The running command, in a session of its own, which ends with the block."""
        with subprocess.Popen(
            self.command(*options),
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as job:
            try:
                yield job
            finally:
                if job.poll() is None:
                    os.killpg(job.pid, signal.SIGKILL)

    def commits(self) -> int:
        """Units in the output."""
        return len(list(self.output.glob("_commit/*.json")))

    def wait_for_more(self, job: subprocess.Popen[bytes], than: int) -> bool:
        """Whether more units are committed before the job ends; raises where nothing happens."""
        deadline = time.monotonic() + PROGRESSES_WITHIN
        while self.commits() <= than:
            if job.poll() is not None:
                return False
            assert time.monotonic() < deadline, "the job makes no progress"
            time.sleep(0.02)
        return True


def processes_below(pid: int, chosen: Callable[[str], bool]) -> list[int]:
    """The ids of the processes that ``pid`` started, or these did, whose title is ``chosen``."""
    parents = {}
    titles = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(stat[1])
            titles[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it has ended
    below, last = {pid}, 0
    while len(below) != last:
        last = len(below)
        below |= {child for child, parent in parents.items() if parent in below}
    return [one for one in below - {pid} if chosen(titles.get(one, ""))]


def kill_one(chance: random.Random, pids: list[int]) -> bool:
    """Whether there was one to kill."""
    if not pids:
        return False
    try:
        os.kill(chance.choice(pids), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
