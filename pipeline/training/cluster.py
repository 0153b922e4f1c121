"""A training on Ray Train, its examples through Ray Data.

Rows are encoded once, in the cluster, and each worker holds its share of the examples in memory. A
worker that dies ends the attempt of all, and the next one resumes from the last checkpoint, up to
`max_failures` times; the same command again goes on where a killed one stopped.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.fs
import ray
import ray.train
from ray.data import DataContext, ExecutionOptions
from ray.train.huggingface.transformers import RayTrainReportCallback
from ray.train.torch import TorchConfig, TorchTrainer
from tensorboardX import SummaryWriter
from transformers import TrainerCallback
from transformers.integrations.integration_utils import TensorBoardCallback

from pipeline.errors import InputError, PipelineError
from pipeline.execution.reservation import Request, reserved
from pipeline.execution.session import connected
from pipeline.reporting.logs import line_handler
from pipeline.storage.listing import files_below
from pipeline.training.collate import Example
from pipeline.training.learning import Learn, Learnt, Run, Source, Worker, require_examples
from pipeline.training.run_settings import Training, TrainingRuntime
from pipeline.xmod.transformers_logging import silence_transformers

ENCODED_ROWS = 2_000
"""Rows that are encoded together."""
SCORED_WITHIN = 6 * 3600
"""Seconds that workers wait for each other: the first scores the dev rows for all."""


def on_ray(config: Training) -> Run:
    """What runs a training as `config.runtime` says; one that was killed, with the same config."""

    @contextmanager
    def run(learn: Learn, sources: Mapping[str, Source]) -> Iterator[Learnt]:
        runtime = config.runtime
        storage = _storage(config)
        name = f"{config.out.name}-{_identity(config)}"
        with connected(runtime.workers * runtime.cpus_per_worker, log_to_driver=True):
            workers = runtime.workers
            room = Request(_resources(runtime), workers, workers, runtime.start_timeout)
            with reserved(room):  # there is room: Ray Train reserves it for itself
                examples = {of: examples_of(source) for of, source in sources.items()}
            result: Any = _trainer(runtime, learn, examples, storage, name).fit()
        found: Learnt | PipelineError = result.return_value
        if isinstance(found, PipelineError):
            raise found
        yield found
        _forget(storage, name)

    return run


def _storage(config: Training) -> str:
    chosen = config.runtime.storage
    if chosen is None:
        return str(config.out.absolute().parent / ".training")
    return chosen if "://" in chosen else str(Path(chosen).absolute())


def _resources(runtime: TrainingRuntime) -> dict[str, float]:
    """What a worker needs."""
    needs = {"CPU": runtime.cpus_per_worker, "GPU": runtime.gpus_per_worker}
    return {kind: number for kind, number in needs.items() if number}


def _trainer(
    runtime: TrainingRuntime,
    learn: Learn,
    examples: Mapping[str, ray.data.Dataset],
    storage: str,
    name: str,
) -> TorchTrainer:
    return TorchTrainer(
        cast(Any, _on_worker),
        torch_config=TorchConfig(timeout_s=SCORED_WITHIN),
        train_loop_config={
            "learn": learn,
            "sources": tuple(examples),
            "runtime": runtime,
            "folder": Path.cwd(),
        },
        scaling_config=ray.train.ScalingConfig(
            num_workers=runtime.workers,
            use_gpu=runtime.gpus_per_worker > 0,
            resources_per_worker=_resources(runtime),
        ),
        run_config=ray.train.RunConfig(
            name=name,
            storage_path=storage,
            failure_config=ray.train.FailureConfig(max_failures=runtime.max_failures),
            checkpoint_config=ray.train.CheckpointConfig(num_to_keep=1),
        ),
        datasets=dict(examples),
        # Each worker picks its own examples, so that they are the same after a restart.
        dataset_config=ray.train.DataConfig(datasets_to_split=[], execution_options=_in_order()),
    )


def examples_of(source: Source) -> ray.data.Dataset:
    """The examples of a source's rows, in their order, encoded once and kept in the cluster.

    Encoding reserves no CPU: it would wait for what other jobs hold.
    """
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_options = _in_order()
    rows = source.rows
    blocks = [rows.slice(start, ENCODED_ROWS) for start in range(0, rows.num_rows, ENCODED_ROWS)]
    encode: Any = partial(_encoded, source.encode)
    dataset: ray.data.Dataset = ray.data.from_arrow(blocks).map_batches(
        encode, batch_size=None, batch_format="pyarrow", num_cpus=0
    )
    whole: ray.data.Dataset = dataset.materialize()
    return whole


def share(blocks: Iterable[pa.Table], rank: int, size: int) -> list[Example]:
    """Every `size`-th example from that at `rank`; as many for each rank, and the same each time.

    Where they do not come out even, the last ranks get one of the first examples once more.
    """
    firsts: list[Example] = []
    own: list[Example] = []
    total = 0
    for block in blocks:
        firsts += _examples(block.slice(0, max(size - len(firsts), 0)))
        own += _examples(block.take(np.arange((rank - total) % size, block.num_rows, size)))
        total += block.num_rows
    if len(own) * size < total:
        own.append(firsts[(len(own) * size + rank) % total])
    return own


def _examples(block: pa.Table) -> list[Example]:
    """The rows of `block`; lists of integers become int32 arrays, 4 bytes a token."""
    numbers = [
        field.name
        for field in block.schema
        if pa.types.is_list(field.type) and pa.types.is_integer(field.type.value_type)
    ]
    return [
        {**row, **{name: np.array(row[name], dtype=np.int32) for name in numbers}}
        for row in block.to_pylist()
    ]


def _in_order() -> ExecutionOptions:
    return ExecutionOptions(preserve_order=True)


def _encoded(encode: Callable[[pa.Table], list[Example]], rows: pa.Table) -> pa.Table:
    return pa.Table.from_pylist(encode(rows))


def _on_worker(told: Mapping[str, Any]) -> Learnt | PipelineError | None:
    """What the first worker learnt, or why nothing can be learnt, which no other attempt mends."""
    context = ray.train.get_context()
    rank, size = context.get_world_rank(), context.get_world_size()
    runtime: TrainingRuntime = told["runtime"]
    level = logging.INFO if rank == 0 else logging.WARNING
    logging.basicConfig(level=level, handlers=[line_handler("%(message)s")])
    silence_transformers()
    if told["folder"].is_dir():
        os.chdir(told["folder"])  # Ray Train's is another, and a config's paths are relative
    examples = {
        name: share(
            ray.train.get_dataset_shard(name).iter_batches(batch_size=None, batch_format="pyarrow"),
            rank,
            size,
        )
        for name in told["sources"]
    }
    callbacks: list[TrainerCallback] = [RayTrainReportCallback()]  # type: ignore[no-untyped-call]
    if runtime.logs and not rank:
        writer = SummaryWriter(str(runtime.logs))
        callbacks.append(TensorBoardCallback(writer))  # type: ignore[no-untyped-call]
    with _checkpoint() as resume, TemporaryDirectory(prefix="xmod-training-") as scratch:
        worker = Worker(
            rank=rank,
            gpu=runtime.gpus_per_worker > 0,
            scratch=Path(scratch),
            resume=resume,
            save_steps=runtime.save_steps,
            callbacks=tuple(callbacks),
        )
        try:
            require_examples(examples)
            learnt: Learnt = told["learn"](examples, worker)
        except PipelineError as error:
            return error
    return None if rank else learnt


@contextmanager
def _checkpoint() -> Iterator[Path | None]:
    """The last checkpoint of the Trainer's, from this attempt's predecessors."""
    last = ray.train.get_checkpoint()
    if last is None:
        yield None
        return
    with last.as_directory() as folder:
        yield Path(folder) / RayTrainReportCallback.CHECKPOINT_NAME


def _identity(config: Training) -> str:
    """A hash of what determines a training: its config, and the files that this names."""
    settings = config.model_dump(exclude={"out": True, "runtime": _NO_MATTER})
    stamps = sorted(stamp for path in _paths(settings) for stamp in _stamps(path))
    return hashlib.sha256(repr((settings, stamps)).encode()).hexdigest()[:12]


_NO_MATTER = {
    *("storage", "logs", "save_steps", "max_failures", "cpus_per_worker", "start_timeout"),
}
"""How often and where a training is saved does not change it; how many share its rows does."""


def _paths(value: object) -> Iterator[Path]:
    """The files and folders in a tree of settings that are there."""
    if isinstance(value, Path) and value.exists():
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _paths(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            a_path = name == "path" and isinstance(inner, str)  # of a checkpoint
            yield from _paths(Path(inner) if a_path else inner)


def _stamps(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, bytes and time of the file at `path`, or each below; InputError if one is shut."""
    if path.is_file():
        yield str(path), path.stat().st_size, path.stat().st_mtime_ns
        return
    try:
        for info in files_below(fsspec.filesystem("file"), str(path)):
            if info["type"] == "file":
                yield info["name"], info["size"], info["status"].st_mtime_ns
    except OSError as error:
        raise InputError(f"Cannot list {path}: {error}. Check the paths in the config.") from error


def _forget(storage: str, name: str) -> None:
    """Delete the checkpoints of a training that is done, so that its command starts a new one."""
    filesystem, folder = pa.fs.FileSystem.from_uri(storage)
    filesystem.delete_dir(f"{folder}/{name}")
