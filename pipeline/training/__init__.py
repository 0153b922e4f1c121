"""The training side: from Parquet text to X-MOD checkpoints that plain transformers loads.

pretrain      text of many languages → vocabulary, shared weights and one adapter a language
finetune      labelled text → a task checkpoint; embeddings and adapters stay frozen
add_language  text of one language → a base and its heads with one adapter more
evaluate      checkpoints and test parts → scores by language; nothing else reads a test part
importing     a checkpoint of any format → a folder that annotate and transformers load
cluster       any of these on Ray Train; `learning.alone` is the same in this process
"""
