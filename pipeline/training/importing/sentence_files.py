"""What sentence-transformers saves beside a model: how vectors are pooled, and prefixes.

Enters: the folder of a checkpoint. Leaves: copies of these JSON files in the new folder. What
holds: a module with weights of its own, which no task applies, is refused.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import CheckpointError
from pipeline.xmod.files import MODULES, SENTENCE_FILES, read_json

_WITHOUT_WEIGHTS = ("Transformer", "Pooling", "Normalize")


def copy_sentence_files(folders: Sequence[Path], out: Path) -> list[str]:
    """Copy to `out` what the first of `folders` has that has any; what to tell the user of it."""
    having = (one for one in folders if any((one / name).exists() for name in SENTENCE_FILES))
    source = next(having, folders[0])
    copied = [name for name in SENTENCE_FILES if (source / name).exists()]
    for name in copied:
        values = read_json(source / name)
        if name == MODULES:
            _require_modules(source / name, values)
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return [f"Copied as they are: {', '.join(copied)}."] if copied else []


def _require_modules(path: Path, values: Any) -> None:  # noqa: ANN401 - JSON
    """Raise CheckpointError where a module has weights beside the model's."""
    types = [str(one.get("type")) for one in values if isinstance(one, dict)] if values else []
    other = [name for name in types if name.rpartition(".")[2] not in _WITHOUT_WEIGHTS]
    if other:
        raise CheckpointError(
            f"{path} has the module {other[0]:.100}; expected {', '.join(_WITHOUT_WEIGHTS)}: "
            "others have weights of their own, which no task applies. Import a model without it."
        )
