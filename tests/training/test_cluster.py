"""Training on Ray Train: one worker or two, and one that is killed."""

import json
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
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from pipeline.errors import CheckpointError, InputError
from pipeline.training.cluster import _stamps, on_ray, share
from pipeline.training.finetune import finetune
from pipeline.training.learning import Learnt, Worker, alone
from pipeline.training.pretrain import pretrain
from pipeline.training.run_settings import TrainingRuntime
from tests.helpers.training_configs import pretrain_config

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


def test_share_lists_of_numbers_are_arrays():
    table = pa.Table.from_pylist(
        [
            {"input_ids": [1, 2], "choices": [[1], [2, 3]], "label": 0},
            {"input_ids": [3], "choices": [[4]], "label": 1},
        ]
    )
    first, second = share([table], 0, 1)
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


def test_identity_covers_each_file_of_a_folder_and_no_folder_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    deep = tmp_path / "deep"
    deep.mkdir()
    (deep / "a").write_bytes(b"one")
    (tmp_path / "link").symlink_to("deep/a")
    names = [name.removeprefix(f"{tmp_path}/") for name, _, _ in _stamps(tmp_path)]
    assert sorted(names) == ["deep/a", "link"]
    scandir = os.scandir

    def shut(path: str):
        if str(path) == str(deep):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(InputError, match="Permission denied"):
        list(_stamps(tmp_path))


def steps_in(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


class KillWhenScored(TrainerCallback):
    """Ends its process when the dev rows have been scored, before anybody knows the figures."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def on_evaluate(self, args, state, control, **_):
        if not self._log.exists():
            self._log.write_text(f"{state.global_step}")
            time.sleep(NOTICED_WITHIN)
            os.kill(os.getpid(), signal.SIGKILL)


class Killed:
    """A way to run a training whose first worker dies at a step."""

    def __init__(self, run, kill: TrainerCallback) -> None:
        self._run, self._kill = run, kill

    def __call__(self, learn, sources):
        kill = self._kill

        def dying(examples: Mapping[str, list], worker: Worker) -> Learnt:
            return learn(examples, replace(worker, callbacks=(*worker.callbacks, kill)))

        return self._run(dying, sources)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def assert_same(first: Path, second: Path) -> None:
    one, other = weights_of(first), weights_of(second)
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], atol=2e-3, rtol=2e-3, msg=name)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.long
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
@pytest.mark.long
def test_pretrain_goes_on_where_a_killed_worker_was(ray_cluster, corpora, base, tmp_path):
    """Twelve steps by one process, and twelve of which the last seven are another's."""
    settings = {"start": base, "max_steps": 12}
    whole = pretrain_config(corpora, tmp_path / "whole", **settings)
    pretrain(whole, alone)
    runtime = TrainingRuntime(save_steps=5, storage=str(tmp_path / "storage"))
    torn = pretrain_config(corpora, tmp_path / "torn", **settings, runtime=runtime)
    log = tmp_path / "steps"
    pretrain(torn, Killed(on_ray(torn), Kill(8, log)))
    assert steps_in(log) == [*range(1, 9), *range(6, 13)]
    assert_same(whole.out, torn.out)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.long
def test_finetune_that_died_while_it_was_scored_is_scored_when_it_goes_on(
    ray_cluster, finetune_config, tmp_path
):
    """The last step is saved before its epoch is scored; the best weights are of that epoch."""
    runtime = TrainingRuntime(save_steps=1, storage=str(tmp_path / "storage"))
    whole = finetune_config("ner", "whole")
    torn = finetune_config("ner", "torn").model_copy(update={"runtime": runtime})
    figures = finetune(whole, alone)
    log = tmp_path / "log"
    assert finetune(torn, Killed(on_ray(torn), KillWhenScored(log))) == figures
    assert log.exists()
    assert_same(whole.out, torn.out)


class Noting:
    """A training of which each worker leaves its weights and what it learnt from in a folder."""

    def __init__(self, run, folder: Path) -> None:
        self._run, self._folder = run, folder

    def __call__(self, learn, sources):
        folder = self._folder

        def noted(examples: Mapping[str, list], worker: Worker) -> Learnt:
            learnt = learn(examples, worker)
            save_file(learnt.weights, folder / f"{worker.rank}.safetensors")
            firsts = [example["input_ids"].tolist() for example in examples["train"]]
            (folder / f"{worker.rank}.json").write_text(json.dumps(firsts))
            return learnt

        return self._run(noted, sources)


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.slow
def test_finetune_with_two_workers_averages_their_gradients(ray_cluster, finetune_config, tmp_path):
    """They learn from other rows, and come to the same weights."""
    runtime = TrainingRuntime(workers=2, save_steps=4)
    config = finetune_config("classification", "two").model_copy(update={"runtime": runtime})
    finetune(config, Noting(on_ray(config), tmp_path))
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    rows = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert len(rows[0]) == len(rows[1]) == 64
    assert rows[0] != rows[1]


def found(examples, worker) -> Learnt:
    """What all workers find: that the training cannot go well."""
    raise CheckpointError("no such luck")


@pytest.mark.ray
@pytest.mark.slow
def test_on_ray_an_error_that_no_retry_mends_is_told_as_it_is(ray_cluster, finetune_config):
    runtime = TrainingRuntime(workers=2)
    config = finetune_config("ner", "refused").model_copy(update={"runtime": runtime})
    with (
        pytest.raises(CheckpointError, match="no such luck"),
        on_ray(config)(found, {}) as learnt,
    ):
        raise AssertionError(learnt)
