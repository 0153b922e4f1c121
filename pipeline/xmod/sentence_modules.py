"""What sentence-transformers' files of a checkpoint say of its vectors.

Enters: a checkpoint. Leaves: its pooling, normalization, prompt and window, or a CheckpointError
that names what this package has not. What holds: no file is read that the digest does not cover; a
module whose work would be left out is refused.
"""

from dataclasses import dataclass
from typing import Any

from pipeline.config import Pooling
from pipeline.errors import CheckpointError
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.files import LENGTH, MODULES, POOLING, PROMPTS, read_json, read_object

_MODE = "pooling_mode"
_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Keys before sentence-transformers 6 → ``pooling_mode`` since."""
_FOLDERS = {"Transformer": "", "Pooling": POOLING.partition("/")[0]}


@dataclass(frozen=True)
class Recipe:
    """How token vectors become a record's; with ``skips_prompt`` without those of the prompt."""

    pooling: Pooling
    skips_prompt: bool


def recipe_of(checkpoint: Checkpoint) -> Recipe:
    """The checkpoint's pooling, the mean where it says nothing.

    Raises CheckpointError where vectors would be made otherwise than by pooling alone.
    """
    modules = _modules(checkpoint)
    for kind, path in modules or ():
        if kind not in ("Transformer", "Pooling", "Normalize") or _FOLDERS.get(kind, path) != path:
            raise _unfit(checkpoint, MODULES, f"the module {kind} in {path!r}", "pooling")
    if modules is not None and "Pooling" not in [kind for kind, _ in modules]:
        raise _unfit(checkpoint, MODULES, "no module Pooling", "pooling")
    if not (checkpoint.folder / POOLING).exists():
        if modules is not None:
            raise _unfit(checkpoint, MODULES, f"the module Pooling and no {POOLING}", "pooling")
        return Recipe(Pooling.MEAN, skips_prompt=False)
    values = _object(checkpoint, POOLING)
    return Recipe(_pooling(checkpoint, values), values.get("include_prompt") is False)


def normalizes(checkpoint: Checkpoint) -> bool:
    """Whether vectors have length 1: by ``modules.json``; without one they do."""
    modules = _modules(checkpoint)
    return modules is None or "Normalize" in [kind for kind, _ in modules]


def default_prompt(checkpoint: Checkpoint) -> str:
    """The text that goes before each record's.

    Raises CheckpointError where there are prompts to choose from and none is the default.
    """
    if not (checkpoint.folder / PROMPTS).exists():
        return ""
    values = _object(checkpoint, PROMPTS)
    given, name = values.get("prompts") or {}, values.get("default_prompt_name")
    prompts = given if isinstance(given, dict) else {"prompts": given}
    strange = [one for one in prompts.values() if not isinstance(one, str | None)]
    if strange or (name is not None and name not in list(prompts)):
        raise _unfit(
            checkpoint, PROMPTS, f"prompts {prompts!a:.200}, default_prompt_name {name!a}", "prefix"
        )
    if name is None and any(prompts.values()):
        raise CheckpointError(
            f"{checkpoint.folder / PROMPTS} has the prompts {prompts!a:.300} and no default one: "
            "which of them belongs before each text is not known. Set the task's prefix to one of "
            'them, or to "" for none.'
        )
    return prompts[name] or "" if name is not None else ""


def longest_input(checkpoint: Checkpoint) -> int | None:
    """Tokens of a window, special ones included; None where nothing is said of it."""
    if not (checkpoint.folder / LENGTH).exists():
        return None
    values = _object(checkpoint, LENGTH)
    length = values.get("max_seq_length")
    if values.get("do_lower_case"):
        raise CheckpointError(
            f"{checkpoint.folder / LENGTH} has do_lower_case true: its texts are to be in lower "
            "case, which this package does not do. Write them so, and set it to false."
        )
    if length is not None and (type(length) is not int or length < 3):
        raise CheckpointError(
            f"{checkpoint.folder / LENGTH} has max_seq_length {length!a:.50}; expected a number of "
            "tokens, 3 or more. Correct it there."
        )
    return length


def _modules(checkpoint: Checkpoint) -> list[tuple[str, str]] | None:
    """The class of each module, without its package, and its folder; None without the file."""
    path = checkpoint.folder / MODULES
    if not path.exists():
        return None
    values = read_json(path)
    checkpoint.require_unchanged()
    listed: list[Any] = values if isinstance(values, list) else [values]
    if not all(isinstance(one, dict) for one in listed):
        raise _unfit(checkpoint, MODULES, f"{values!a:.100}", "pooling")
    return [(str(one.get("type")).rpartition(".")[2], str(one.get("path"))) for one in listed]


def _pooling(checkpoint: Checkpoint, values: dict[str, Any]) -> Pooling:
    set_ = [mode for flag, mode in _FLAGS.items() if values.get(flag)]
    modes = values.get(_MODE, set_ or "mean")
    mode = modes[0] if isinstance(modes, list) and len(modes) == 1 else modes
    if mode not in [*_FLAGS.values()] or mode == "weightedmean":
        raise _unfit(checkpoint, POOLING, f"pooling_mode {mode!a:.100}", "pooling")
    return Pooling(mode)


def _object(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    values = read_object(checkpoint.folder / name)
    checkpoint.require_unchanged()
    return values


def _unfit(checkpoint: Checkpoint, name: str, seen: str, key: str) -> CheckpointError:
    known = ", ".join(mode for mode in Pooling if mode is not Pooling.POOLER)
    expected = {
        "pooling": f"Transformer, Pooling by one of {known}, and Normalize",
        "prefix": "texts by name, and the name of one of them or null",
    }
    return CheckpointError(
        f"{checkpoint.folder / name} has {seen}; expected {expected[key]}. Set the task's {key} "
        f"to have vectors by that instead, or use another checkpoint."
    )
