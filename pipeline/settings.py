"""The settings of the annotation job.

Enters: nothing. Leaves: ``JobSettings`` and its sections, each handed to the stage that it is for.
What holds: values are checked against each other here, so that no stage checks them again; what
needs a store or a checkpoint to check is checked when the plan is made.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.config import Section


class Fallback(StrEnum):
    """What happens to a record whose language has no adapter or is not sure enough."""

    QUARANTINE = "quarantine"
    DEFAULT = "default"
    RELATED = "related"
    NONE = "none"


class Device(StrEnum):
    """Where the model runs; ``auto`` takes a GPU that the actor was given."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class DType(StrEnum):
    """Arithmetic of the forward; ``auto`` is bfloat16 on a GPU and float32 on a CPU.

    ``int8`` makes the encoder's matrix products of 8-bit integers, on a CPU. ``bfloat16`` is for
    CPUs with AMX as well.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"


class Aggregation(StrEnum):
    """How token predictions make entities, as in transformers' token-classification pipeline."""

    SIMPLE = "simple"
    FIRST = "first"
    AVERAGE = "average"
    MAX = "max"


class Pooling(StrEnum):
    """How token vectors make one: ``mean`` over the attention mask, ``cls`` the first token's."""

    MEAN = "mean"
    CLS = "cls"


class InputSettings(Section):
    """The corpus: a Parquet file, a directory of them, or a glob."""

    uri: str
    text_column: str = "text"
    id_column: str | None = None
    language_column: str | None = None
    language_prior_column: str | None = None
    keep_columns: Literal["all"] | tuple[str, ...] = "all"
    max_text_bytes: int = Field(default=1 << 20, gt=0)


class OutputSettings(Section):
    """Where the enriched corpus goes."""

    uri: str


Score = Annotated[float, Field(ge=0, le=1)]


def _pairs(value: object) -> object:
    """A mapping as sorted pairs: settings are hashed. Its errors name the key, not a position."""
    if not isinstance(value, dict):
        return value
    for key, score in value.items():
        if not isinstance(key, str):
            raise ValueError(f"a key is {key!r}; expected an X-MOD language, such as ms_MY")
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise ValueError(f"{key} is {score!r}; expected a score from 0 to 1")
    return tuple(sorted(value.items()))


ScoreByLanguage = Annotated[tuple[tuple[str, Score], ...], BeforeValidator(_pairs)]
"""A mapping in YAML, such as ``{ms_MY: 0.7}``."""


class LanguageSettings(Section):
    """How a record's language is found, and what happens where it is not."""

    detector: str = "cascade"
    detector_model: str | None = None
    candidates: Literal["all"] | tuple[str, ...] = "all"
    expected: tuple[str, ...] = ()
    majority: bool = False
    per_window: bool = False
    min_score: Score = 0.5
    min_scores: ScoreByLanguage = ()
    fallback: Fallback = Fallback.QUARANTINE
    default: str | None = None

    def least_score(self, language: str) -> float:
        """What a detected ``language`` must score at least."""
        return dict(self.min_scores).get(language, self.min_score)

    @field_validator("candidates", "expected")
    @classmethod
    def _once_each(
        cls, codes: Literal["all"] | tuple[str, ...]
    ) -> Literal["all"] | tuple[str, ...]:
        doubled = sorted({code for code in codes if codes != "all" and codes.count(code) > 1})
        if doubled:
            raise ValueError(f"{', '.join(doubled)} is there twice; expected each language once")
        return codes

    @model_validator(mode="after")
    def _some_candidates(self) -> "LanguageSettings":
        if not self.candidates:
            raise ValueError("language.candidates is empty; expected 'all' or some X-MOD languages")
        return self

    @model_validator(mode="after")
    def _default_goes_with_fallback(self) -> "LanguageSettings":
        if self.fallback is Fallback.DEFAULT and self.default is None:
            raise ValueError(
                "language.fallback is 'default' and language.default is not set; "
                "name an X-MOD language of the checkpoint, such as en_XX"
            )
        return self


class ModelSettings(Section):
    """A checkpoint: a local folder, or a hub name with a pinned revision.

    ``sha256``, where given, must be the weights' digest as the job computes and prints it.
    """

    path: str
    revision: str | None = None
    sha256: str | None = None


class NerSettings(Section):
    """Named entities from a token-classification checkpoint."""

    type: Literal["ner"]
    model: ModelSettings
    aggregation: Aggregation = Aggregation.SIMPLE
    min_score: float = Field(default=0.0, ge=0, le=1)


class ClassificationSettings(Section):
    """One label a record from a sequence-classification checkpoint."""

    type: Literal["classification"]
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    model: ModelSettings
    probs: bool = False


class EmbeddingsSettings(Section):
    """One vector a record from the encoder of any X-MOD checkpoint."""

    type: Literal["embeddings"]
    model: ModelSettings
    pooling: Pooling = Pooling.MEAN
    normalize: bool = True
    dtype: Literal["float32", "float16"] = "float32"


TaskSettings = Annotated[
    NerSettings | ClassificationSettings | EmbeddingsSettings, Field(discriminator="type")
]


class ActorPool(Section):
    """Bounds of the actor pool; one number in the config sets both."""

    min: int = Field(default=1, ge=1)
    max: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> "ActorPool":
        if self.min > self.max:
            raise ValueError(
                f"runtime.actors.min is {self.min}, above runtime.actors.max {self.max}"
            )
        return self


class RuntimeSettings(Section):
    """Machines, batches, retries; windows and ``dtype`` alone shape results."""

    device: Device = Device.AUTO
    dtype: DType = DType.AUTO
    actors: ActorPool = ActorPool()
    cpus_per_actor: float = Field(default=1, gt=0)
    gpus_per_actor: float = Field(default=0, ge=0)
    max_batch_tokens: int | None = Field(default=None, gt=0)
    unit_rows: int = Field(default=4096, gt=0)
    unit_bytes: int = Field(default=64 << 20, gt=0)
    max_length: int = Field(default=512, gt=8)
    stride: int = Field(default=64, ge=0)
    max_windows: int | None = Field(default=None, ge=1)
    rounds: int = Field(default=2, ge=1, le=10)
    unit_timeout: float = Field(default=3600, gt=0)
    row_timeout: float = Field(default=120, gt=0)

    @property
    def on_gpu(self) -> bool:
        """Whether actors run the model on a GPU."""
        return self.device is Device.CUDA or (
            self.device is Device.AUTO and self.gpus_per_actor > 0
        )

    @property
    def batch_tokens(self) -> int:
        """``max_batch_tokens``, or what suits the device: a CPU's cache, or a GPU's many cores."""
        return self.max_batch_tokens or (16384 if self.on_gpu else 1024)

    @property
    def lanes(self) -> int:
        """Micro-batches that an actor has at once: one to a core, or one on a GPU."""
        return 1 if self.on_gpu else max(1, int(self.cpus_per_actor))

    @property
    def arithmetic(self) -> DType:
        """``dtype`` with ``auto`` resolved: from the settings alone, so that all workers agree."""
        if self.dtype is not DType.AUTO:
            return self.dtype
        return DType.BFLOAT16 if self.on_gpu else DType.FLOAT32

    @field_validator("actors", mode="before")
    @classmethod
    def _one_number(cls, value: object) -> object:
        return {"min": value, "max": value} if isinstance(value, int) else value

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


class JobSettings(Section):
    """Everything that ``jobs/annotate.py`` is told."""

    input: InputSettings
    output: OutputSettings
    language: LanguageSettings = LanguageSettings()
    tasks: tuple[TaskSettings, ...] = Field(min_length=1)
    runtime: RuntimeSettings = RuntimeSettings()

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> "JobSettings":
        names = [task.name if task.type == "classification" else task.type for task in self.tasks]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(
                f"tasks write the same columns: {', '.join(doubled)}; expected one ner, one "
                "embeddings and a distinct name for each classification"
            )
        return self
