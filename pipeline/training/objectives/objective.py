"""The shape of an objective.

Enters: what differs between objectives. Leaves: a record that workers are handed.
Holds: every batch is masked, whatever it is for, and carries what its objective needs beside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from pipeline.training.collate import Batch, Example

StateLoss = Callable[[nn.Module, Tensor, Batch], Tensor]
"""Of a head, the hidden states [rows, tokens, hidden] and the batch; scalar."""


def no_loss(_: nn.Module, hidden: Tensor, __: Batch) -> Tensor:
    """Nothing beside masked LM; scalar 0."""
    return hidden.new_zeros(())


@dataclass(frozen=True)
class Objective:
    """What is learnt of one source of examples, beside masked LM."""

    name: str
    share: float
    """Share of the batches."""
    batch_size: int
    """Rows of one forward."""
    collate: Callable[[list[Example]], Batch]
    loss: StateLoss = no_loss
    outputs: int = 0
    """Of its head, a linear layer; 0 is none."""
    weight: float = 1.0
    """What the loss counts beside that of masked LM."""

    def head(self, hidden_size: int) -> nn.Module:
        """What the loss reads the encoder's states through."""
        return nn.Linear(hidden_size, self.outputs) if self.outputs else nn.Identity()
