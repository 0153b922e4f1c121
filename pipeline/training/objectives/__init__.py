"""What pre-training learns from: one file an objective.

masked_lm      every batch of every objective: hidden tokens are guessed from the others
labelled       what the next two share
tags           sentences with entity tags
classes        texts with a class
translations   the same sentences in two languages lie close together

Holds: an objective brings examples, their batches, and a loss on the encoder's hidden states
through a head that is not kept; adding one is a file and a line in `pretrain.objectives`.
"""
