"""The training side: from Parquet text to X-MOD checkpoints that plain transformers loads.

pretrain   text of many languages → vocabulary, shared weights and one adapter a language
finetune   labelled text → a task checkpoint; embeddings and adapters stay frozen
evaluate   checkpoints and test parts → scores by language

Holds: every row of a batch goes through the adapter that its `lang_ids` names; the frozen part of
a checkpoint is stored once; nothing here reads a test part except `evaluate`.
"""
