"""The settings of the annotation job, a module a section.

Enters: nothing. Leaves: ``JobSettings`` and its sections, each handed to the stage that it is for.
What holds: values are checked against each other here, so that no stage checks them again; what
needs a store or a checkpoint to check is checked when the plan is made.
"""

from pipeline.config.inputs import Changed, InputSettings, Missing, OutputSettings
from pipeline.config.job import JobSettings
from pipeline.config.language import Fallback, LanguageSettings
from pipeline.config.loading import load
from pipeline.config.prices import Prices
from pipeline.config.runtime import ActorPool, Device, DType, RuntimeSettings
from pipeline.config.tasks import (
    Aggregation,
    CausalLmSettings,
    ClassificationSettings,
    EmbeddingsSettings,
    FillMaskSettings,
    GenerationSettings,
    MaskedLmSettings,
    ModelSettings,
    MultipleChoiceSettings,
    NerSettings,
    Pooling,
    QuestionAnsweringSettings,
    TaskSettings,
    TokenVectorsSettings,
)

__all__ = [
    "ActorPool",
    "Aggregation",
    "CausalLmSettings",
    "Changed",
    "ClassificationSettings",
    "DType",
    "Device",
    "EmbeddingsSettings",
    "Fallback",
    "FillMaskSettings",
    "GenerationSettings",
    "InputSettings",
    "JobSettings",
    "LanguageSettings",
    "MaskedLmSettings",
    "Missing",
    "ModelSettings",
    "MultipleChoiceSettings",
    "NerSettings",
    "OutputSettings",
    "Pooling",
    "Prices",
    "QuestionAnsweringSettings",
    "RuntimeSettings",
    "TaskSettings",
    "TokenVectorsSettings",
    "load",
]
