"""Training of the n-gram model that tells languages apart.

Enters: an `IdentifierConfig`. Leaves: a file that `pipeline.language.ngram_model.load` reads.
Holds: weights learn from the train split, calibration from the dev split; half of the texts are cut
to a few words, because short texts are where languages are mistaken for each other.
"""

import logging
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.language.ngram_model import NgramModel, rounded, save_model
from pipeline.language.ngrams import Ngrams, ngrams
from pipeline.training.batches import SmoothedBatches
from pipeline.training.config import IdentifierConfig
from pipeline.training.corpus import IDENTIFIER_COLUMNS, of_split, read_corpus

logger = logging.getLogger(__name__)


def train_identifier(config: IdentifierConfig) -> NgramModel:
    """Train as `config` says, write the model to `config.out`, return it."""
    torch.set_num_threads(config.threads)
    table = read_corpus(config.data, IDENTIFIER_COLUMNS)
    train, dev = of_split(table, "train"), of_split(table, "dev")
    labels = tuple(sorted(train["language"].unique().to_pylist()))
    # Said out loud, because PyTorch warns where nobody says it: gradients are not checked again.
    with torch.sparse.check_sparse_tensor_invariants(enable=False):  # type: ignore[no-untyped-call]
        model = _fitted(config, train, labels)
    model = calibrated(rounded(model), dev, np.random.default_rng(config.seed))
    config.out.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, config.out)
    return model


def calibrated(model: NgramModel, dev: pa.Table, generator: np.random.Generator) -> NgramModel:
    """`model` with the sharpness under which its probabilities of `dev` are likeliest.

    Platt's scaling (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017), with a
    temperature that depends on how much text there is.
    """
    texts = dev["text"].to_pylist()
    texts += [cropped(text, generator) for text in texts]
    wanted = _positions(dev, model.labels).repeat(2)
    found = ngrams(texts, model.bits)
    with torch.no_grad():
        scores = logits(torch.from_numpy(model.weights), torch.from_numpy(model.bias), found)
    lengths = torch.from_numpy(found.counts).clamp(min=1).log()
    sharpness = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([sharpness], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        sharp = (sharpness[0] + sharpness[1] * lengths).unsqueeze(1)
        value = functional.cross_entropy(scores * sharp, wanted)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    sharp, slope = sharpness.tolist()
    return NgramModel(model.labels, model.weights, model.bias, sharp, slope)


def logits(weights: Tensor, bias: Tensor, found: Ngrams) -> Tensor:
    """float32 [texts, labels], as `NgramModel` computes them, with sparse gradients."""
    summed = functional.embedding_bag(
        torch.from_numpy(found.buckets),
        weights,
        torch.from_numpy(found.bounds.astype(np.int32)),
        mode="sum",
        sparse=True,
        include_last_offset=True,
    )
    counts = torch.from_numpy(found.counts).clamp(min=1)
    return summed / counts.sqrt().unsqueeze(1) + bias


def cropped(text: str, generator: np.random.Generator) -> str:
    """Some neighbouring words of `text`, or characters of the fewest words.

    At most 10 to 40 characters, a bound that is drawn first.
    """
    most = int(generator.integers(10, 41))
    words = text.split()
    if len(words) < 4:
        start = int(generator.integers(max(1, len(text) - most + 1)))
        return text[start : start + most]
    kept = ""
    for word in words[int(generator.integers(len(words))) :]:
        if kept and len(kept) + 1 + len(word) > most:
            break
        kept = f"{kept} {word}".strip()
    return kept[:most]


def _fitted(config: IdentifierConfig, train: pa.Table, labels: tuple[str, ...]) -> NgramModel:
    generator = np.random.default_rng(config.seed)
    texts, wanted = train["text"].to_pylist(), _positions(train, labels)
    weights = torch.zeros(2**config.bits, len(labels), requires_grad=True)
    bias = torch.zeros(len(labels), requires_grad=True)
    optimizer = torch.optim.Adagrad([weights, bias], lr=config.learning_rate)
    batches = SmoothedBatches(
        wanted.tolist(),
        [len(text) for text in texts],
        batch_size=config.batch_size,
        smoothing=config.language_smoothing,
        seed=config.seed,
    )
    for step, rows in enumerate(islice(batches, config.steps)):
        optimizer.param_groups[0]["lr"] = config.learning_rate * (1 - step / config.steps)
        batch = [_seen(texts[row], generator) for row in rows]
        scores = logits(weights, bias, ngrams(batch, config.bits))
        loss = functional.cross_entropy(scores, wanted[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 500 == 0:
            logger.info("step %d of %d: loss %.4f", step, config.steps, float(loss.detach()))
    return NgramModel(labels, weights.detach().numpy(), bias.detach().numpy())


def _seen(text: str, generator: np.random.Generator) -> str:
    return cropped(text, generator) if generator.random() < 0.5 else text[:400]


def _positions(table: pa.Table, labels: Sequence[str]) -> Tensor:
    places = {label: position for position, label in enumerate(labels)}
    return torch.tensor([places[language] for language in table["language"].to_pylist()])
