"""Settings of the demo's pre-training that take a second or two."""

from pathlib import Path

from demo.training.settings import DemoPretrainConfig, LabelledObjective
from tests.helpers.training_configs import pretrain_config


def objectives(corpora: Path, share: float = 0.25) -> dict[str, object]:
    """All three objectives beside masked LM, each with a share of the batches."""
    labelled = {"share": share, "max_rows_per_language": 20, "batch_size": 4}
    translations = {"data": corpora / "pairs.parquet", "share": share, "batch_size": 4}
    return {
        "tags": {"data": corpora / "ner.parquet", **labelled},
        "classes": {"data": corpora / "topic.parquet", **labelled},
        "translations": {**translations, "temperature": 0.1},
    }


def labels_of(data: Path) -> LabelledObjective:
    """An objective on at most twenty rows a language of `data`."""
    return LabelledObjective(data=data, share=0.5, max_rows_per_language=20, batch_size=4)


def demo_config(corpora: Path, out: Path, **changes: object) -> DemoPretrainConfig:
    """The config of a pre-training of six steps."""
    return pretrain_config(corpora, out, DemoPretrainConfig, **changes)
