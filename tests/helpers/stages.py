"""Records through tokenize and annotate, without a job around them."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipeline.config import RuntimeSettings, TaskSettings
from pipeline.stages.annotate import Annotate
from pipeline.stages.stage import run_stage
from pipeline.stages.tokenize import Tokenize
from pipeline.stages.workload import Workload
from pipeline.tasks import reading_of
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.blocks import make_block

LOADED = ("th_TH", "hi_IN", "zh_CN", "en_XX", "de_DE", "ja_XX")
"""Not in the order of the checkpoints."""


def annotated(
    settings: TaskSettings,
    checkpoint: Checkpoint,
    texts: Sequence[str],
    codes: Sequence[str] | None = None,
    *,
    runtime: dict[str, Any] | None = None,
    **asked: Any,
) -> pa.Table:
    """The block of ``texts`` after both stages, with one task."""
    machine = RuntimeSettings(**{"max_length": 128, "stride": 9, **(runtime or {})})
    pairs = asked.get("seconds") is not None
    reading = reading_of(settings, checkpoint, machine.max_length, second_texts=pairs)
    annotate = Annotate([Workload((checkpoint,), 0, (settings,))], LoadedAdapters(LOADED), machine)
    block = run_stage(Tokenize(machine, (reading,)), make_block(texts, codes, **asked))
    return run_stage(annotate, block)
