"""What a training can be told: one file a job, and a section that all of them share.

Enters: a YAML file through `pipeline.config.load`. Leaves: frozen models, parsed once.
Holds: paths are relative to the working folder; unknown keys are refused.
"""

from pipeline.training.settings.addition import AddLanguageConfig
from pipeline.training.settings.evaluation import EvaluateConfig, Evaluated
from pipeline.training.settings.finetuning import DataFile, EarlyStopping, FinetuneConfig, Task
from pipeline.training.settings.identification import IdentifierConfig
from pipeline.training.settings.optimisation import Optimisation, Precision, TrainingRuntime
from pipeline.training.settings.pretraining import (
    Architecture,
    LabelledObjective,
    Objectives,
    PretrainConfig,
    TranslationObjective,
    Vocabulary,
)

__all__ = [
    "AddLanguageConfig",
    "Architecture",
    "DataFile",
    "EarlyStopping",
    "EvaluateConfig",
    "Evaluated",
    "FinetuneConfig",
    "IdentifierConfig",
    "LabelledObjective",
    "Objectives",
    "Optimisation",
    "Precision",
    "PretrainConfig",
    "Task",
    "TrainingRuntime",
    "TranslationObjective",
    "Vocabulary",
]
