"""The model card stub beside a task checkpoint.

Enters: what was trained and its dev scores. Leaves: README.md in the checkpoint folder.
"""

from transformers import PreTrainedModel

from pipeline.training.config import FinetuneConfig
from pipeline.training.inference import label_names


def write_task_card(
    config: FinetuneConfig, dev_scores: dict[str, float], model: PreTrainedModel
) -> None:
    """Write README.md with the task, the labels, the languages and the dev scores."""
    labels = ", ".join(label_names(model))
    lines = [
        f"# X-MOD {config.task.value} checkpoint",
        "",
        f"- Class: `{type(model).__name__}`; labels: {labels}",
        f"- Adapters (`config.languages`): {', '.join(model.config.languages)}",
        f"- Fine-tuned on {len(config.languages)} languages, embeddings and adapters frozen, "
        f"seed {config.optimisation.seed}",
        "- `frozen.safetensors` and the tokenizer are links to the base checkpoint's files; "
        "weights are stored as float16 and compute in float32",
        "- Licence and attribution: those of the training data; state them before you publish",
        "",
        "| language | dev score |",
        "|---|---|",
        *(f"| {language} | {score:.3f} |" for language, score in dev_scores.items()),
        "",
    ]
    (config.out / "README.md").write_text("\n".join(lines), encoding="utf-8")
