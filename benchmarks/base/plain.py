"""X-MOD as a user of transformers runs it.

Enters: a checkpoint's folder; windows in batches. Leaves: forwards. What holds: the model is
unmodified, with the attention that transformers chooses; each batch is padded to its longest.
"""

from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers.models.xmod.modeling_xmod import XmodForTokenClassification

from benchmarks.base.texts import Windows

BATCH = 32
"""Windows of a batch."""


def plain_model(folder: Path) -> XmodForTokenClassification:
    """Transformers' model in float32."""
    model: XmodForTokenClassification = XmodForTokenClassification.from_pretrained(
        folder, dtype=torch.float32
    )
    return model.eval()


def plain_run(
    model: XmodForTokenClassification, windows: Windows, batches: list[list[int]]
) -> None:
    """A forward of each of ``batches``, positions in ``windows``."""
    for batch in batches:
        some = windows.taken(batch)
        rows = [torch.from_numpy(one) for one in some.tokens]
        ids = pad_sequence(rows, batch_first=True, padding_value=1)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        model(input_ids=ids, attention_mask=mask, lang_ids=torch.tensor(some.lang_ids))


def in_order(order: list[int]) -> list[list[int]]:
    """Batches of 32 as they come in ``order``."""
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


def padding(windows: Windows, order: list[int]) -> float:
    """Tokens that are multiplied for each real one."""
    lengths = windows.lengths
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in in_order(order))
    return padded / sum(lengths)
