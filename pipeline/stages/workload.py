"""What an actor is asked to do: tasks by the encoder whose forward they share."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config import RuntimeSettings, TaskSettings
from pipeline.stages.stage import Stage
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import Checkpoint, EncoderFiles


@dataclass(frozen=True)
class Workload:
    """The tasks that share an encoder's forward, and which of the job's readings they have.

    ``checkpoints`` has one for each task; they differ in their heads only.
    """

    checkpoints: tuple[Checkpoint, ...]
    reading: int
    tasks: tuple[TaskSettings, ...]

    @property
    def encoder(self) -> EncoderFiles:
        """The encoder of all its tasks."""
        return self.checkpoints[0].encoder


def annotate_stage(
    workloads: Sequence[Workload], adapters: LoadedAdapters, runtime: RuntimeSettings
) -> Stage:
    """The annotate stage, in the process that calls; it imports torch and loads the models."""
    from pipeline.stages.annotate import Annotate  # planning only names the stage

    return Annotate(workloads, adapters, runtime)
