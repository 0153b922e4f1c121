"""What ``xmod-pipeline import`` could make of a checkpoint that is refused: the exact command.

Enters: the folder that was refused. Leaves: a sentence for the end of the error.
"""

import shlex
from pathlib import Path

from pipeline.xmod.files import CONFIG, read_json, tokenizer_file

XLMR_TOKENIZER = "FacebookAI/xlm-roberta-base@e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"
"""The tokenizer of facebook/xmod-*, of which most are on the hub without one."""
XLMR_VOCABULARY = 250_002

_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_OTHERS = ("model.pt", "checkpoint_best.pt", "checkpoint_last.pt", "adapter_config.json")


def import_advice(folder: Path, *, tokenizer: bool = False) -> str:
    """The command that makes a usable checkpoint of the one in `folder`, as a sentence.

    With `tokenizer`, it names one even if the folder has one.
    """
    return f"Run: {import_command(folder, tokenizer=tokenizer)}"


def import_command(folder: Path, *, tokenizer: bool = False) -> str:
    """The command itself, which names the repository where `folder` is of the hub's cache."""
    source, name = _origin(folder)
    words = ["xmod-pipeline", "import", source]
    if tokenizer or not _has_tokenizer(folder):
        words += ["--tokenizer", _tokenizer(folder)]
    return shlex.join([*words, "--out", name])


def is_importable(folder: Path) -> bool:
    """Whether `folder` has weights of a format that only ``import`` reads, or may have them."""
    return _is_snapshot(folder) or any((folder / name).exists() for name in (*_PICKLED, *_OTHERS))


def _origin(folder: Path) -> tuple[str, str]:
    """What to import, and the name of the new folder."""
    if not _is_snapshot(folder):
        return str(folder), f"{folder}-imported"
    owner, name = folder.parents[1].name.split("--")[1:3]
    return f"{owner}/{name}@{folder.name}", name


def _is_snapshot(folder: Path) -> bool:
    """Whether `folder` is that of a commit in the hub's cache, which has not all its files."""
    places = folder.parents[1].name.split("--") if len(folder.parents) > 1 else []
    return folder.parent.name == "snapshots" and len(places) == 3 and places[0] == "models"


def _has_tokenizer(folder: Path) -> bool:
    return tokenizer_file(folder).exists() or len(list(folder.glob("*.model"))) == 1


def _tokenizer(folder: Path) -> str:
    """XLM-R's where the vocabulary has its size; otherwise a word to replace."""
    values = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    size = values.get("vocab_size") if isinstance(values, dict) else None
    return XLMR_TOKENIZER if size == XLMR_VOCABULARY else "TOKENIZER"
