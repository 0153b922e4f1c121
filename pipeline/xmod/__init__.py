"""The X-MOD model without Ray: checkpoints, windows, micro-batches, encoder and adapters."""
