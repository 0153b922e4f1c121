"""A checkpoint of any origin becomes a folder that ``annotate`` and plain transformers load.

importing   an `Import` → the new folder; the steps in their order
source      what the user wrote → a local path
formats     a folder → weights and a config; fairseq and lora are formats of their own
weights     tensors where they lie in safetensors; pickled, by way of unpickling, those in .bin
names       weights by today's names
head        the class that a checkpoint is
tokenizer   any tokenizer → a fast one
shards      weights → safetensors files; card, sentence_files, new_folder: what is beside them
"""
