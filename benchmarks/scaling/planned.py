"""What it costs to plan a corpus: seconds and memory, in a process of its own.

Enters: a side's name, a folder. Leaves: ``Planned``. What holds: seconds count from when all
imports are done; memory is the process's greatest, imports included, and its children's if any.

    python -m benchmarks.scaling.planned plan /corpus
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

CONFIG = Path("configs/ner.yaml")

_STATUS = Path("/proc/self/status")
_THREADS = 32


@dataclass(frozen=True)
class Planned:
    """``started``: seconds of the imports; ``seconds``: of the work; ``files``: found and read."""

    started: float
    seconds: float
    megabytes: float
    files: int


def planned(side: str, corpus: Path) -> Planned:
    """What ``side`` takes for ``corpus`` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.scaling.planned", side, str(corpus)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Planned(**json.loads(done.stdout.splitlines()[-1]))


def _whole_plan(corpus: str) -> Callable[[], int]:
    """All that ``--dry-run`` does."""
    from pipeline.config import JobSettings, load
    from pipeline.planning.plan import Options, make_plan

    overrides = [f"input.uri={corpus}", f"output.uri={corpus}-annotated"]
    return lambda: len(make_plan(load(CONFIG, overrides, JobSettings), Options()).open_units)


def _survey(corpus: str) -> Callable[[], int]:
    """The footers alone, by this package."""
    from pipeline.config import InputSettings
    from pipeline.corpus.survey import survey_corpus

    settings = InputSettings(uri=corpus, id_column="doc_id", language_column="language")
    return lambda: len(survey_corpus(settings, allow_bad_files=False).files)


def _plain(corpus: str) -> Callable[[], int]:
    """Footers as one reads them with pyarrow and fsspec, a file a task, and as this package did."""
    import fsspec
    import pyarrow.parquet as pq

    files = fsspec.filesystem("file")

    def footer(path: str) -> tuple[object, ...]:
        with files.open(path, "rb", block_size=1 << 20, cache_type="readahead") as file:
            parquet = pq.ParquetFile(file)
            metadata = parquet.metadata
            groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
            unfolded = sum(group.total_byte_size for group in groups)
            return files.info(path), metadata.num_rows, unfolded, parquet.schema_arrow

    def footers() -> int:
        with ThreadPoolExecutor(_THREADS) as readers:
            return len(list(readers.map(footer, sorted(files.find(corpus)))))

    return footers


SIDES = {"plan": _whole_plan, "survey": _survey, "plain": _plain}


def _peak_megabytes() -> float:
    """The kernel's high-water mark, see ``languages.footprint``."""
    marks = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (int(marks["VmHWM"].split()[0]) + children) / 1024


def _measure(side: str, corpus: str) -> Planned:
    clock = partial(round, ndigits=3)
    start = time.perf_counter()
    work = SIDES[side](corpus)
    ready = time.perf_counter()
    files = work()
    done = time.perf_counter()
    return Planned(clock(ready - start), clock(done - ready), round(_peak_megabytes(), 1), files)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_measure(*sys.argv[1:]))))
