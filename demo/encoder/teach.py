"""What the untouched encoder makes of texts, for the grown one to learn.

A translation gets the vector of its English original, so that low-resource languages come nearer
to English (Reimers and Gurevych, "Making Monolingual Sentence Embeddings Multilingual using
Knowledge Distillation", EMNLP 2020). Other texts get their own.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from tokenizers import Tokenizer
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import XmodModel

from pipeline.training.inference import means

PREFIX = "query: "
"""E5 was trained with it; the grown model does without."""
OWN_TEXTS = 400
"""Texts of each language that get their own vector."""
BATCH = 64
_LONGEST = 128


def taught(
    teacher: XmodModel, tokenizer: Tokenizer, texts: pa.Table, pairs: pa.Table, seed: int
) -> pa.Table:
    """Rows text, language, vector (float16 [hidden], unit length) of translations and own texts.

    `texts` has the columns text and language; `pairs` those of translations into English.
    """
    pairs = pairs.filter(pc.equal(pairs["split"], "train"))
    originals = pairs["translation"].unique()
    english = pairs["translation_language"][0].as_py()
    own = _drawn(texts, seed)
    wanted = [*originals.to_pylist(), *own["text"].to_pylist()]
    given = vectors(teacher, tokenizer, wanted)
    of_pairs = pc.index_in(pairs["translation"], originals).to_numpy()
    rows = np.concatenate([of_pairs, np.arange(len(wanted))])
    table = {
        "text": [*pairs["text"].to_pylist(), *wanted],
        "language": [
            *pairs["language"].to_pylist(),
            *[english] * len(originals),
            *own["language"].to_pylist(),
        ],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(given[rows].ravel()), given.shape[1]),
    }
    return pa.table(table)


def vectors(teacher: XmodModel, tokenizer: Tokenizer, texts: Sequence[str]) -> np.ndarray:
    """Means of the last hidden states; float16 [texts, hidden], unit length."""
    tokenizer.enable_truncation(_LONGEST)
    encodings = tokenizer.encode_batch([PREFIX + text for text in texts])
    order = sorted(range(len(texts)), key=lambda place: len(encodings[place]))
    padding = float(teacher.config.pad_token_id or 0)
    found = np.zeros((len(texts), teacher.config.hidden_size), dtype=np.float16)
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        ids = [torch.tensor(encodings[place].ids) for place in places]
        batch = pad_sequence(ids, batch_first=True, padding_value=padding)
        mask = batch.ne(padding).long()
        with torch.inference_mode():
            hidden = teacher(batch, attention_mask=mask).last_hidden_state
        found[places] = functional.normalize(means(hidden, mask), dim=-1).numpy()
    return found


def _drawn(texts: pa.Table, seed: int) -> pa.Table:
    """At most `OWN_TEXTS` of each language, at random."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(texts.num_rows)
    codes = np.array(texts["language"].to_pylist())[order]
    kept = [order[codes == code][:OWN_TEXTS] for code in np.unique(codes)]
    return texts.take(np.sort(np.concatenate(kept)))
