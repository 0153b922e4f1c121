"""The model side, without Ray: checkpoints, routed adapters, micro-batches, windows, pooling."""
