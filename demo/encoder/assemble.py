"""Several heads on one encoder: one folder, stored in as few bytes as its figures allow.

python -m demo.encoder.assemble --base out/grown/base --head ner=out/grown/ner --out out/model

Enters: checkpoints with the same encoder. Leaves: `config.json` of the base, a file such as
`ner.json` for each head, the tokenizer, and two files of weights. Word embeddings and the layers
that training left as they were, which came in 4 bits, are float8_e4m3; the rest is bfloat16.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
import typer
from transformers import XmodConfig

from pipeline.cli.clean_exit import clean_exit
from pipeline.errors import CheckpointError
from pipeline.training.checkpoint import new_checkpoint, stored_weights, write_weights

WORDS = "roberta.embeddings.word_embeddings.weight"
_PARTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
_MATRIX = re.compile(r"\.layer\.(\d+)\..*(query|key|value|dense)\.weight$")

Weights = dict[str, torch.Tensor]


def main(
    base: Annotated[Path, typer.Option(help="Folder of the masked-LM checkpoint.")],
    head: Annotated[list[str], typer.Option(help="Name and folder of a head, NAME=FOLDER.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    untouched: Annotated[int, typer.Option(help="Layers that are as e5 has them.")] = 6,
) -> None:
    """Write one folder with the encoder and its heads."""
    if wrong := [one for one in head if not all(one.partition("="))]:
        raise typer.BadParameter(f"--head is {wrong[0]!r}; expected NAME=FOLDER, as ner=out/ner.")
    heads = {name: Path(folder) for name, _, folder in (one.partition("=") for one in head)}
    with clean_exit("demo.encoder.assemble"), new_checkpoint(out) as written:
        assemble(base, heads, untouched, written)


def assemble(base: Path, heads: Mapping[str, Path], untouched: int, out: Path) -> None:
    """Write to the folder `out`; `heads` are by name, layers below `untouched` as e5 has them."""
    weights = stored_weights(base)
    for name, folder in heads.items():
        own = stored_weights(folder)
        differing = [
            one
            for one, weight in own.items()
            if one in weights and not weight.float().equal(weights[one].float())
        ]
        if differing:
            raise CheckpointError(
                f"{folder} has another encoder than {base}: {differing[0]} differs. Fine-tune it "
                "on that base with frozen: encoder."
            )
        weights |= own
        _write_config(folder, out / f"{name}.json")
    _write_config(base, out / "config.json")
    tokenizer = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (out / "tokenizer.json").write_text(text, encoding="utf-8")
    (out / "tokenizer_config.json").write_bytes((base / "tokenizer_config.json").read_bytes())
    stored = {name: weight.to(_dtype(name, untouched)) for name, weight in weights.items()}
    words = {WORDS: stored.pop(WORDS)}
    places: dict[str, str] = {}
    for part, some in zip(_PARTS, (words, stored), strict=True):
        write_weights(some, out / part)
        places |= dict.fromkeys(some, part)
    size = sum(weight.nbytes for weight in (words | stored).values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))}
    (out / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def _write_config(folder: Path, file: Path) -> None:
    XmodConfig.from_pretrained(folder).to_json_file(file)


def _dtype(name: str, untouched: int) -> torch.dtype:
    found = _MATRIX.search(name)
    below = found and "adapter_modules" not in name and int(found[1]) < untouched
    return torch.float8_e4m3fn if name == WORDS or below else torch.bfloat16


if __name__ == "__main__":
    typer.run(main)
