"""Settings of trainings that take a second or two."""

from pathlib import Path
from typing import TypeVar

from pipeline.training.settings import PretrainConfig

LANGUAGES = ("en_XX", "de_DE", "zh_CN")
OPTIMISATION = {
    "learning_rate": 3e-3,
    "weight_decay": 0.01,
    "warmup_share": 0.1,
    "batch_size": 8,
    "max_minutes": 1,
    "threads": 1,
    "seed": 3,
}


NEW_MODEL = {
    "vocabulary": {"size": 120, "character_coverage": 0.9999, "sample_characters": 100_000},
    "architecture": {
        "layers": 2,
        "hidden_size": 16,
        "attention_heads": 2,
        "intermediate_size": 32,
        "adapter_reduction_factor": 2,
        "window": 32,
        "dropout": 0.0,
        "initializer_range": 0.1,
        "pre_norm": True,
    },
}


ConfigT = TypeVar("ConfigT", bound=PretrainConfig)


def pretrain_config(
    corpora: Path, out: Path, model: type[ConfigT] = PretrainConfig, **changes: object
) -> ConfigT:
    """The config of a pre-training of six steps."""
    shape = {} if changes.get("start") else NEW_MODEL
    settings = {
        "data": corpora / "pretrain.parquet",
        "out": out,
        "languages": LANGUAGES,
        "language_smoothing": 0.5,
        "mask_share": 0.15,
        "max_steps": 6,
        **shape,
        "optimisation": OPTIMISATION,
    }
    return model.model_validate(settings | changes)
