"""A checkpoint in any format: its weights by today's names, and its config.

Enters: a folder. Leaves: `Found`. Formats, in the order in which a folder is searched for them:
safetensors, PyTorch's ``.bin``, PEFT's adapters with their base, fairseq.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import CheckpointError
from pipeline.training.importing import fairseq, lora
from pipeline.training.importing.lora import Lora, merged
from pipeline.training.importing.names import EMBEDDINGS, PREFIX, todays_names
from pipeline.training.importing.pickled import read_pickled
from pipeline.training.importing.source import PICKLED, Source, checkpoint_source
from pipeline.training.importing.weights import Weights, safetensors_weights
from pipeline.xmod.files import CONFIG, read_object, weight_files
from pipeline.xmod.model_config import read_config, read_head_config

if TYPE_CHECKING:
    from transformers import XmodConfig

_OTHERS = {
    "tf_model.h5": "TensorFlow's",
    "flax_model.msgpack": "Flax's",
    "pytorch_adapter.bin": "an adapter of AdapterHub's",
    "model.onnx": "ONNX's",
}
_LABELLED = ("classifier", "classifier.out_proj", "qa_outputs")
"""Layers whose outputs are a config's labels."""
_CODE = ("auto_map", "custom_pipelines", "attn_implementation")


@dataclass(frozen=True)
class Found:
    """A checkpoint's weights and config, the files that were read, and what to tell the user.

    `folders` may have its tokenizer, the first before the next; `architecture` is the class that an
    adapter was trained with, or that a head's config names.
    """

    config: "XmodConfig"
    weights: Weights
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    architecture: str | None = None
    dictionary: Path | None = None
    notes: tuple[str, ...] = ()


def find(source: Source, scratch: Path, base: str | None) -> Found:
    """The checkpoint in `source`; raises CheckpointError where it has none that can be read.

    `base` is what a LoRA adapter was trained on, in place of what it names; old pickles are copied
    to `scratch`.
    """
    folder = source.path
    if (folder / lora.CONFIG).exists() and not weight_files(folder):
        return _adapted(source, scratch, base)
    if weight_files(folder):
        read = {path: safetensors_weights(path) for path in weight_files(folder)}
        return _of_transformers(folder, read)
    if paths := _pickled_files(folder):
        return _of_transformers(folder, {one: read_pickled(one, scratch).weights for one in paths})
    for path in (folder / name for name in fairseq.FILES):
        if path.exists():
            return _of_fairseq(folder, path, scratch)
    raise _nothing(folder)


def of_head(found: Found, folder: Path, head: str) -> Found:
    """`found` in `folder` with the config and the class of `head`, one of several.

    Raises CheckpointError where there is no such head, or its encoder is another.
    """
    config = read_head_config(folder, head, found.config)
    return replace(found, config=config, architecture=next(iter(config.architectures or ()), None))


def _of_transformers(folder: Path, read: dict[Path, Weights]) -> Found:
    weights: Weights = {}
    for path, some in read.items():
        if doubled := sorted(weights.keys() & some.keys()):
            raise CheckpointError(
                f"{path} has {doubled[0]:.100}, which another file of the checkpoint has too; "
                "expected each weight once. Copy the checkpoint again."
            )
        weights |= some
    config = read_config(folder)
    named = [key for key in _CODE if read_object(folder / CONFIG).get(key)]
    notes: tuple[str, ...] = ()
    if named:
        notes = (f"Code that its config names was left out: {', '.join(named)}.",)
    if (folder / lora.CONFIG).exists():
        notes += (f"It has whole weights; the adapter of {lora.CONFIG} was not merged into them.",)
    return Found(config, todays_names(weights, str(folder)), tuple(read), (folder,), notes=notes)


def _pickled_files(folder: Path) -> list[Path]:
    index = folder / f"{PICKLED}.index.json"
    if (folder / PICKLED).exists() or not index.exists():
        return [folder / PICKLED] if (folder / PICKLED).exists() else []
    places = read_object(index).get("weight_map")
    names: list[Any] = list(places.values()) if isinstance(places, dict) else [places]
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".bin"):
            raise CheckpointError(
                f"{index} names the file {name!r:.200}; expected names of *.bin files in the same "
                "folder. Copy the checkpoint again."
            )
    return [folder / name for name in sorted(set(names))]


def _of_fairseq(folder: Path, path: Path, scratch: Path) -> Found:
    pickled = read_pickled(path, scratch)
    weights = fairseq.transformers_weights(pickled.weights, str(path))
    config = fairseq.config_of(pickled.settings, weights, str(path))
    places = (folder / name for name in fairseq.DICTIONARIES)
    dictionary = next((place for place in places if place.exists()), None)
    weights = todays_names(weights, str(path))
    return Found(config, weights, (path,), (folder,), dictionary=dictionary)


def _adapted(source: Source, scratch: Path, base: str | None) -> Found:
    folder = source.path
    adapter = Lora(folder / lora.CONFIG, read_object(folder / lora.CONFIG))
    adapter.require_known()
    beneath = checkpoint_source(base or _base_of(adapter, source), "--base")
    found = find(beneath, scratch, None)
    path, weights = _adapter_weights(folder, scratch)
    found = replace(
        found,
        weights=merged(found.weights, weights, adapter),
        files=(*found.files, path),
        folders=(folder, *found.folders),
        architecture=adapter.architecture,
        notes=(*found.notes, f"Its LoRA adapter was merged into {beneath.name}."),
    )
    return _with_sizes(found, folder)


def _adapter_weights(folder: Path, scratch: Path) -> tuple[Path, Weights]:
    readers: dict[str, Callable[[Path], Weights]] = {
        lora.SAFETENSORS: safetensors_weights,
        lora.PICKLED: lambda path: read_pickled(path, scratch).weights,
    }
    for name, read in readers.items():
        if (folder / name).exists():
            return folder / name, read(folder / name)
    raise CheckpointError(
        f"{folder} has {lora.CONFIG} and no {lora.SAFETENSORS} ({lora.PICKLED}). Copy it again."
    )


def _base_of(adapter: Lora, source: Source) -> str:
    """What the adapter says it was trained on, if it cannot move."""
    named = str(adapter.values.get("base_model_name_or_path") or "")
    revision = adapter.values.get("revision")
    places = [source.path / named, Path(named)] if named else []
    if found := [str(place) for place in places if place.is_dir()]:
        return found[0]
    if named.count("/") == 1 and not named.startswith((".", "/")) and revision:
        return f"{named}@{revision}"
    raise CheckpointError(
        f"{adapter.path} names the base {named!a:.200}, which is no folder here and no commit of "
        "the hub. Give --base with the folder or owner/name@commit that it was trained on."
    )


def _with_sizes(found: Found, folder: Path) -> Found:
    """`found` with the sizes that a merged adapter gave its vocabulary and labels."""
    config, notes = found.config, list(found.notes)
    rows = found.weights[EMBEDDINGS].shape[0]
    if rows != config.vocab_size:
        notes.append(f"Its adapter changed the vocabulary from {config.vocab_size} to {rows}.")
        config.vocab_size = rows
    if (folder / CONFIG).exists():  # some trainers save the model's own config there
        own = read_config(folder)
        config.id2label, config.label2id = own.id2label, own.label2id
        config.problem_type = own.problem_type
    heads = {name: found.weights.get(f"{name}.weight") for name in _LABELLED}
    labels = next((head.shape[0] for head in heads.values() if head is not None), None)
    is_choice = labels == 1 and heads["classifier"] is not None  # one output, whatever the labels
    if not is_choice and labels not in (None, len(config.id2label or {})):
        notes.append(f"Its adapter has {labels} labels, whose names it does not save.")
        config.num_labels = labels
    return replace(found, notes=tuple(notes))


def _nothing(folder: Path) -> CheckpointError:
    seen = [f"{name} ({what})" for name, what in _OTHERS.items() if (folder / name).exists()]
    inside = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))
    if inside and not seen:
        return CheckpointError(
            f"{folder} has no weights itself; it has folders that may: {', '.join(inside[:6])}. "
            f"Give one, such as {folder / inside[-1]}."
        )
    return CheckpointError(
        f"{folder} has no weights that can be imported{': ' if seen else ''}{', '.join(seen)}; "
        f"expected model.safetensors, {PICKLED}, {lora.SAFETENSORS} or fairseq's model.pt. Save "
        "the model there with model.save_pretrained(FOLDER)."
    )


def unknown_encoder_weights(found: Weights, expected: set[str]) -> list[str]:
    """Names of the encoder that the config has no place for."""
    own = (name.removeprefix(PREFIX) for name in found if name.startswith(PREFIX))
    return sorted(name for name in own if name not in expected and not name.startswith("pooler."))
