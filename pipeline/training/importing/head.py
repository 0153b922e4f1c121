"""Which transformers class a checkpoint is, by the weights of its head.

Enters: `Weights` by today's names, and what the config says. Leaves: the class, and the weights
that are its own. What holds: a weight is left out only where the user, or a LoRA adapter, names the
class; then it is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import CheckpointError
from pipeline.training.importing.names import PREFIX
from pipeline.training.importing.weights import Weights

BARE = "XmodModel"

_HEADS: dict[str, tuple[str, ...]] = {
    "lm_head.": ("XmodForMaskedLM", "XmodForCausalLM"),
    "classifier.dense.": ("XmodForSequenceClassification",),
    "classifier.out_proj.": ("XmodForSequenceClassification",),
    "classifier.weight": ("XmodForTokenClassification", "XmodForMultipleChoice"),
    "classifier.bias": ("XmodForTokenClassification", "XmodForMultipleChoice"),
    "qa_outputs.": ("XmodForQuestionAnswering",),
}
"""Beginning of a weight's name → the classes whose heads have such weights."""

ARCHITECTURES = (BARE, *dict.fromkeys(name for names in _HEADS.values() for name in names))
"""All classes that can be imported."""

_LATE_INTERACTION = "linear.weight"
"""ColBERT's projection of each token's vector."""


@dataclass(frozen=True)
class Claims:
    """What is said of a checkpoint's class: by the user, and by its config."""

    what: str
    wanted: str | None
    architectures: Sequence[str]
    is_decoder: bool


@dataclass(frozen=True)
class Headed:
    """A class, its weights, and what to tell the user."""

    architecture: str
    weights: Weights
    notes: tuple[str, ...]


def with_head(weights: Weights, claims: Claims) -> Headed:
    """`weights` as those of one class; CheckpointError where they fit several or none."""
    heads = {name: _classes(name) for name in weights if not name.startswith(PREFIX)}
    if claims.wanted is not None:
        return _as_wanted(weights, heads, claims.wanted, claims)
    unknown = sorted(name for name, classes in heads.items() if not classes)
    groups = dict.fromkeys(classes for classes in heads.values() if classes)
    if unknown or len(groups) > 1:
        raise _undecided(claims.what, unknown, list(groups))
    if not groups:
        return Headed(BARE, weights, _bare_note(claims))
    (candidates,) = groups
    architecture = _among(candidates, weights, claims)
    return Headed(architecture, weights, _other_note(architecture, claims))


def _classes(name: str) -> tuple[str, ...]:
    found = (classes for start, classes in _HEADS.items() if name.startswith(start))
    return next(found, ())


def _as_wanted(
    weights: Weights, heads: dict[str, tuple[str, ...]], wanted: str, claims: Claims
) -> Headed:
    """The weights of the class `wanted` only."""
    if wanted != BARE and not any(wanted in classes for classes in heads.values()):
        raise CheckpointError(
            f"{claims.what} has no head of {wanted}; weights beside its encoder: "
            f"{', '.join(sorted(heads)[:6]) or 'none'}. Choose another --architecture, or none."
        )
    dropped = sorted(name for name, classes in heads.items() if wanted not in classes)
    note = (f"Left out, as not of {wanted}: {_listed(dropped)}.",) if dropped else ()
    kept = {name: weight for name, weight in weights.items() if name not in dropped}
    return Headed(wanted, kept, note)


def _among(candidates: tuple[str, ...], weights: Weights, claims: Claims) -> str:
    """Which of the classes with the same head it is."""
    said = [name for name in claims.architectures if name in candidates]
    if said or len(candidates) == 1:
        return [*said, *candidates][0]
    if "lm_head.bias" in weights:
        return candidates[claims.is_decoder]
    pooled, outputs = f"{PREFIX}pooler.dense.weight" in weights, weights["classifier.weight"].shape
    return candidates[pooled and outputs[0] == 1]


def _bare_note(claims: Claims) -> tuple[str, ...]:
    if not claims.architectures or BARE in claims.architectures:
        return ()
    return (
        f"Its config names the class {', '.join(map(str, claims.architectures))}; the weights are "
        f"an encoder without a head, written as {BARE}.",
    )


def _other_note(architecture: str, claims: Claims) -> tuple[str, ...]:
    if architecture in claims.architectures or not claims.architectures:
        return ()
    return (
        f"Its config names the class {', '.join(map(str, claims.architectures))}; its head is that "
        f"of {architecture}.",
    )


def _undecided(
    what: str, unknown: Sequence[str], groups: Sequence[tuple[str, ...]]
) -> CheckpointError:
    if _LATE_INTERACTION in unknown:
        return CheckpointError(
            f"{what} has {_LATE_INTERACTION}, a projection for late interaction (ColBERT), which "
            f"no task of this package serves. Give --architecture {BARE} for its encoder alone."
        )
    if unknown:
        return CheckpointError(
            f"{what} has weights of no X-MOD class: {_listed(unknown)}. Give --architecture "
            f"{BARE} to import its encoder without them, or the class whose head is to stay."
        )
    choices = [name for names in groups for name in names]
    return CheckpointError(
        f"{what} has several heads: of {', '.join(choices)}; one is imported. Give --head with "
        "the name of its config, where each has one beside config.json; otherwise --architecture "
        f"with one of these, or {BARE} for the encoder alone."
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{', '.join(f'{name:.100}' for name in names[:6])}{more}"
