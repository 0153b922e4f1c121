"""Training on Ray Train: one worker or two, and one that is killed."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from ray import cloudpickle
from training_configs import OPTIMISATION, objectives, pretrain_config
from transformers import TrainerCallback

from pipeline.errors import CheckpointError
from pipeline.training.cluster import on_ray, rows_of, share
from pipeline.training.finetune import finetune
from pipeline.training.learning import Learnt, alone
from pipeline.training.pretrain import pretrain
from pipeline.training.settings import TrainingRuntime
from pipeline.training.trainer import Worker

# Workers cannot import this file, so what they need of it goes with the training.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.mark.parametrize(("total", "size"), [(6, 2), (7, 2), (1, 3), (4, 3)])
def test_share_every_worker_gets_as_many_and_none_is_left_out(total, size):
    table = pa.table({"place": list(range(total))})
    blocks = [table.slice(start, 2) for start in range(0, total, 2)]
    shares = [[row["place"] for row in share(blocks, rank, size)] for rank in range(size)]
    assert {len(one) for one in shares} == {-(-total // size)}
    assert {place for one in shares for place in one} == set(range(total))
    assert shares[0][:2] == [0, size][: len(shares[0])]


def test_rows_of_lists_of_numbers_are_arrays():
    table = pa.Table.from_pylist(
        [
            {"input_ids": [1, 2], "choices": [[1], [2, 3]], "label": 0},
            {"input_ids": [3], "choices": [[4]], "label": 1},
        ]
    )
    first, second = rows_of(table.slice(0, 2))
    assert first["input_ids"].tolist() == [1, 2]
    assert second["input_ids"].tolist() == [3]
    assert second["choices"] == [[4]]
    assert second["label"] == 1


NOTICED_WITHIN = 6.0
"""Seconds after which Ray Train knows of a checkpoint; it asks its workers every two."""


class Kill(TrainerCallback):
    """Ends its process at a step, as a machine that goes away would; once. Logs all steps."""

    def __init__(self, step: int, log: Path) -> None:
        self._step = step
        self._log = log

    def on_step_end(self, args, state, control, **_):
        before = steps_in(self._log)
        with self._log.open("a") as stream:
            stream.write(f"{state.global_step}\n")
        if state.global_step == self._step and self._step not in before:
            time.sleep(NOTICED_WITHIN)
            os.kill(os.getpid(), signal.SIGKILL)


def steps_in(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


class Killed:
    """A way to run a training whose first worker dies at a step."""

    def __init__(self, run, step: int, log: Path) -> None:
        self._run, self._step, self._log = run, step, log

    def __call__(self, learn, sources) -> Learnt:
        kill = Kill(self._step, self._log)

        def dying(examples: Mapping[str, list], worker: Worker) -> Learnt:
            return learn(examples, replace(worker, callbacks=(*worker.callbacks, kill)))

        return self._run(dying, sources)


class Refusing:
    """A training that cannot go well, however often it is tried."""

    def __call__(self, examples, worker) -> Learnt:
        raise CheckpointError("no such luck")


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "shared.safetensors") | load_file(folder / "frozen.safetensors")


def assert_same(first: Path, second: Path) -> None:
    one, other = weights_of(first), weights_of(second)
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], atol=2e-3, rtol=2e-3, msg=name)


@pytest.mark.ray
@pytest.mark.slow
def test_finetune_on_ray_gives_what_it_gives_alone(ray_cluster, finetune_config):
    here = finetune_config("ner", "here", epochs=2)
    there = here.model_copy(update={"out": here.out.parent / "there"})
    finetune(here, alone)
    logs = here.out.parent / "logs"
    there = there.model_copy(update={"runtime": TrainingRuntime(save_steps=5, logs=logs)})
    finetune(there, on_ray(there))
    assert_same(here.out, there.out)
    assert list(logs.glob("events.out.tfevents.*"))
    assert not list((there.out.parent / ".training").glob("there-*"))  # nothing is left of it


@pytest.mark.ray
@pytest.mark.slow
def test_pretrain_goes_on_where_a_killed_worker_was(ray_cluster, corpora, base, tmp_path):
    """Twelve steps by one process, and twelve of which the last seven are another's."""
    settings = {"start": base, "max_steps": 12, "objectives": objectives(corpora)}
    whole = pretrain_config(corpora, tmp_path / "whole", **settings)
    pretrain(whole, alone)
    runtime = TrainingRuntime(save_steps=5, storage=str(tmp_path / "storage"))
    torn = pretrain_config(corpora, tmp_path / "torn", **settings, runtime=runtime)
    log = tmp_path / "steps"
    pretrain(torn, Killed(on_ray(torn), 8, log))
    assert steps_in(log) == [*range(1, 9), *range(6, 13)]
    assert_same(whole.out, torn.out)


@pytest.mark.ray
@pytest.mark.slow
def test_finetune_with_two_workers_averages_their_gradients(ray_cluster, finetune_config):
    runtime = TrainingRuntime(workers=2, save_steps=4)
    optimisation = {**OPTIMISATION, "learning_rate": 1e-2}
    config = finetune_config(
        "classification", "two", epochs=8, frozen=False, optimisation=optimisation
    ).model_copy(update={"runtime": runtime})
    scores = finetune(config, on_ray(config))["accuracy"]
    assert scores["de_DE"] > 0.9


@pytest.mark.ray
@pytest.mark.slow
def test_on_ray_an_error_that_no_retry_mends_is_told_as_it_is(ray_cluster, finetune_config):
    config = finetune_config("ner", "refused")
    with pytest.raises(CheckpointError, match="no such luck"):
        on_ray(config)(Refusing(), {})
