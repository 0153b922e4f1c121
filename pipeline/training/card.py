"""The model card stub beside a task checkpoint.

Enters: what was trained and its dev figures. Leaves: README.md in the checkpoint folder.
"""

from collections.abc import Sequence

from transformers import PreTrainedModel

from pipeline.training.checkpoint import architecture, has_frozen_shard
from pipeline.training.heads.head import Figures
from pipeline.training.scoreboard import Scoreboard, markdown
from pipeline.training.settings import FinetuneConfig


def write_task_card(
    config: FinetuneConfig, figures: Figures, labels: Sequence[str], model: PreTrainedModel
) -> None:
    """Write README.md with the task, the labels, the languages and the dev figures."""
    lines = [
        f"# X-MOD {config.task.value} checkpoint",
        "",
        f"- Class: `{architecture(model)}`" + (f"; labels: {', '.join(labels)}" if labels else ""),
        f"- Adapters (`config.languages`): {', '.join(model.config.languages)}",
        f"- Fine-tuned on {', '.join(config.languages)}; embeddings and adapters "
        f"{'frozen' if config.frozen else 'trained too'}; seed {config.optimisation.seed}",
        *_links(config),
        "- Licence and attribution: those of the training data; state them before you publish",
        "",
        "Figures of the dev rows, at the epoch that was kept; `curves.png` has the others.",
        "",
        markdown(Scoreboard("Dev rows", "", {"dev": figures})),
    ]
    (config.out / "README.md").write_text("\n".join(lines), encoding="utf-8")


def _links(config: FinetuneConfig) -> list[str]:
    if not (config.frozen and has_frozen_shard(config.base)):
        return []
    return ["- `frozen.safetensors` and the tokenizer are links to the base checkpoint's files"]
