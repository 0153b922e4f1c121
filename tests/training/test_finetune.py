"""Pre-training, fine-tuning and loading, end to end on a tiny corpus."""

import pytest
import torch
from safetensors.torch import load_file
from training_configs import objectives, pretrain_config
from transformers import (
    AutoTokenizer,
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
)

from pipeline.errors import CheckpointError, ConfigError, InputError
from pipeline.training.checkpoint import is_frozen, save_task
from pipeline.training.finetune import finetune
from pipeline.training.pretrain import pretrain


def test_pretrain_checkpoint_loads_with_tied_embeddings(base):
    model, report = XmodForMaskedLM.from_pretrained(
        base, dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert model.config.languages == ["en_XX", "de_DE", "zh_CN"]
    assert model.lm_head.decoder.weight is model.roberta.embeddings.word_embeddings.weight


def test_pretrain_tokenizer_is_fast_with_offsets_into_the_text(base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    text = "Anna 北京 river"
    encoded = tokenizer(text, return_offsets_mapping=True)
    assert tokenizer.is_fast
    assert tokenizer.model_max_length == 32
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>"]) == [0, 1, 2, 3]
    assert {text[start:end] for start, end in encoded["offset_mapping"]} & {"A", "An", "Anna"}


def test_finetune_ner_frozen_weights_are_the_bases(base, finetune_config):
    config = finetune_config("ner", "ner")
    scores = finetune(config)
    model, report = XmodForTokenClassification.from_pretrained(
        config.out, dtype=torch.float32, output_loading_info=True
    )
    plain = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32).state_dict()
    same = {
        name: torch.equal(weight, plain[name])
        for name, weight in model.named_parameters()
        if name in plain
    }
    assert not report["missing_keys"]
    assert all(same[name] for name in same if is_frozen(name))
    assert not same["roberta.encoder.layer.0.attention.self.query.weight"]
    assert model.config.id2label[1] == "B-PER"
    assert set(scores) == {"en_XX", "zh_CN"}


def test_finetune_output_links_to_the_bases_files(finetune_config):
    config = finetune_config("ner", "ner_links")
    finetune(config)
    assert str((config.out / "frozen.safetensors").readlink()) == "../base/frozen.safetensors"
    assert (config.out / "tokenizer.json").is_symlink()
    stored = load_file(config.out / "shared.safetensors")
    assert not any(is_frozen(name) for name in stored)
    assert {weight.dtype for weight in stored.values()} == {torch.float16}


def test_finetune_classification_checkpoint_loads(finetune_config):
    config = finetune_config("classification", "topic")
    finetune(config)
    model = XmodForSequenceClassification.from_pretrained(config.out, dtype=torch.float32)
    assert model.config.id2label == {0: "person", 1: "place"}
    logits = model(torch.tensor([[0, 5, 2]]), lang_ids=torch.tensor([1])).logits
    assert logits.shape == (1, 2)


def test_pretrain_with_objectives_continues_a_checkpoint_and_keeps_its_format(
    corpora, base, tmp_path
):
    config = pretrain_config(corpora, tmp_path / "more", start=base, objectives=objectives(corpora))
    pretrain(config)
    first, more = (load_file(folder / "shared.safetensors") for folder in (base, tmp_path / "more"))
    assert first.keys() == more.keys()
    query = "roberta.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(first[query], more[query])


def test_pretrain_objectives_that_leave_nothing_to_masked_lm_are_refused(corpora, tmp_path):
    with pytest.raises(ValueError, match="masked LM needs some"):
        pretrain_config(corpora, tmp_path, objectives=objectives(corpora, share=0.4))


def test_pretrain_other_languages_than_the_checkpoints_are_refused(corpora, base, tmp_path):
    config = pretrain_config(corpora, tmp_path, start=base, languages=["de_DE", "en_XX"])
    with pytest.raises(ConfigError, match="same order"):
        pretrain(config)


def test_finetune_language_without_rows_is_an_input_error(finetune_config):
    config = finetune_config("ner", "ner_absent", languages=["en_XX", "fr_XX"])
    with pytest.raises(InputError, match="fr_XX"):
        finetune(config)


def test_save_task_refuses_changed_embeddings(base, tmp_path):
    model = XmodForTokenClassification.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        model.roberta.embeddings.word_embeddings.weight += 1
    with pytest.raises(CheckpointError, match="word_embeddings"):
        save_task(model, base, tmp_path / "task")
