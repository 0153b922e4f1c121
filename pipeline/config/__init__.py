"""The settings of the annotation job, one module per section.

Values are checked against each other here; what needs a store or a checkpoint is checked in
planning.
"""

from pipeline.config.inputs import Changed, InputSettings, Missing
from pipeline.config.job import JobSettings, Prices
from pipeline.config.language import Fallback, LanguageSettings
from pipeline.config.loading import load
from pipeline.config.runtime import DType, RuntimeSettings
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
    Pair,
    Pooling,
    QuestionAnsweringSettings,
    RegressionSettings,
    TaskSettings,
    TokenizerSettings,
    TokenVectorsSettings,
)

__all__ = [
    "Aggregation",
    "CausalLmSettings",
    "Changed",
    "ClassificationSettings",
    "DType",
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
    "Pair",
    "Pooling",
    "Prices",
    "QuestionAnsweringSettings",
    "RegressionSettings",
    "RuntimeSettings",
    "TaskSettings",
    "TokenVectorsSettings",
    "TokenizerSettings",
    "load",
]
