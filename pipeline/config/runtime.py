"""Section ``runtime``."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from pipeline.config.section import Section


class Device(StrEnum):
    """Where the model runs; ``auto`` is the actor's GPU, if it has one."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class DType(StrEnum):
    """Number format of the model; ``auto`` is bfloat16 on a GPU and float32 on a CPU.

    ``int8`` quantizes the encoder's matrices, on a CPU. ``bfloat16`` suits CPUs with AMX too.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"


class ActorPool(Section):
    """Size of the actor pool; one number sets both bounds."""

    min: int = Field(default=1, ge=1)
    """Minimum number of actors, which are started first."""
    max: int = Field(default=1, ge=1)
    """Maximum number of actors."""

    @model_validator(mode="after")
    def _ordered(self) -> "ActorPool":
        if self.min > self.max:
            raise ValueError(
                f"runtime.actors.min is {self.min}, above runtime.actors.max {self.max}"
            )
        return self


class RuntimeSettings(Section):
    """Hardware, batch sizes, timeouts and retries.

    Only windows, ``max_tokens`` and ``dtype`` change results.
    """

    RENAMED: ClassVar = {"rounds": "max_attempts", "grace": "shutdown_timeout"}

    device: Device = Device.AUTO
    """Device of the model; ``auto``: a GPU if actors have one, else the CPU."""
    dtype: DType = DType.AUTO
    """Number format of the model; ``auto``: bfloat16 on a GPU, float32 on a CPU."""
    actors: ActorPool = ActorPool()
    """Number of processes with the models: one number, or ``min`` and ``max``."""
    cpus_per_actor: float = Field(default=1, gt=0)
    """CPUs per actor; one micro-batch runs on each whole one."""
    gpus_per_actor: float = Field(default=0, ge=0)
    """GPUs per actor; a fraction where several actors share one."""
    max_batch_tokens: int | None = Field(default=None, gt=0)
    """Maximum number of tokens per micro-batch; null: 1024 on a CPU, 16384 on a GPU."""
    readers_per_actor: int | None = Field(default=None, ge=1, le=32)
    """Units read ahead per actor at once; null: 4 on a GPU, 1 per 4 CPUs otherwise."""
    start_timeout: float = Field(default=1800, ge=0)
    """Maximum seconds to wait for free resources; then the job ends with exit code 5."""
    unit_rows: int = Field(default=4096, gt=0)
    """Maximum number of records per unit; a unit is committed as a whole."""
    unit_bytes: int = Field(default=64 << 20, gt=0)
    """Maximum uncompressed bytes per unit."""
    max_length: int = Field(default=512, gt=8)
    """Maximum number of tokens per window; the checkpoint may allow fewer."""
    stride: int = Field(default=64, ge=0)
    """Number of tokens that adjacent windows share."""
    max_windows: int | None = Field(default=None, ge=1)
    """Maximum number of windows per text; longer texts are truncated. Null: no limit."""
    max_tokens: int = Field(default=1 << 18, ge=512)
    """Maximum number of tokens per record in all its windows; larger records go to quarantine."""
    max_attempts: int = Field(default=2, ge=1, le=10)
    """Maximum attempts per unit in the actor pool; after that it runs in a separate process."""
    max_quarantined: float = Field(default=0.1, ge=0, le=1)
    """Maximum share of records in quarantine, or one; past it the job stops with exit code 4."""
    unit_timeout: float = Field(default=3600, gt=0)
    """Maximum seconds of one stage for one unit."""
    row_timeout: float = Field(default=120, gt=0)
    """Maximum seconds for one record in a separate process."""
    max_bad_files: float = Field(default=0.1, ge=0, le=1)
    """Maximum share of files to leave out with ``--allow-bad-files``; above 0, one may be."""
    shutdown_timeout: float = Field(default=25, ge=0)
    """Maximum seconds for running units to finish after SIGTERM or ^C."""

    @property
    def on_gpu(self) -> bool:
        """Whether actors run the model on a GPU."""
        return self.device is Device.CUDA or (
            self.device is Device.AUTO and self.gpus_per_actor > 0
        )

    @property
    def batch_tokens(self) -> int:
        """``max_batch_tokens`` or its default, which fits a CPU's cache or fills a GPU."""
        return self.max_batch_tokens or (16384 if self.on_gpu else 1024)

    @property
    def readers(self) -> int:
        """``readers_per_actor`` or its default, which keeps an actor busy."""
        return self.readers_per_actor or (4 if self.on_gpu else max(1, self.lanes // 4))

    @property
    def lanes(self) -> int:
        """Number of micro-batches that an actor runs at once: one per CPU, or one on a GPU."""
        return 1 if self.on_gpu else max(1, int(self.cpus_per_actor))

    @property
    def arithmetic(self) -> DType:
        """``dtype`` with ``auto`` resolved, from the settings alone, so that all workers agree."""
        if self.dtype is not DType.AUTO:
            return self.dtype
        return DType.BFLOAT16 if self.on_gpu else DType.FLOAT32

    @field_validator("actors", mode="before", json_schema_input_type=int | ActorPool)
    @classmethod
    def _one_number(cls, value: object) -> object:
        return {"min": value, "max": value} if isinstance(value, int | float | str) else value

    @model_validator(mode="after")
    def _integers_on_a_cpu(self) -> "RuntimeSettings":
        if self.dtype is DType.INT8 and self.on_gpu:
            raise ValueError(
                "runtime.dtype is int8, which is for CPUs, and actors run on a GPU; expected auto "
                "or bfloat16 there, or runtime.device: cpu"
            )
        return self

    @model_validator(mode="after")
    def _windows_advance(self) -> "RuntimeSettings":
        if self.stride >= self.max_length // 2:
            raise ValueError(
                f"runtime.stride is {self.stride}; expected less than half of runtime.max_length "
                f"({self.max_length}), so that windows advance"
            )
        return self
