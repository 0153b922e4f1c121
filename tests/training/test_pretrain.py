"""Pre-training's own parts; what comes of them is in test_finetune.py."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM, XmodForMaskedLM

from pipeline.errors import CheckpointError
from pipeline.training import pretrain as pretraining
from pipeline.training.codec import Codec
from pipeline.training.collate import shift_positions
from pipeline.training.learning import alone
from pipeline.training.masking import masked_lm_loss
from pipeline.training.objectives import objectives as of_config
from pipeline.training.settings import Architecture
from pipeline.training.starting_point import architecture, sinusoids, start_from_content
from pipeline.training.trainer import Worker
from tests.helpers.training_configs import NEW_MODEL, objectives, pretrain_config

LANGUAGES = ["en_XX", "de_DE", "zh_CN"]


@pytest.fixture
def new_model(base) -> XmodForMaskedLM:
    """A model as transformers draws it."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    shape = Architecture.model_validate(NEW_MODEL["architecture"])
    return XmodForMaskedLM(architecture(shape, LANGUAGES, len(tokenizer))).eval()


def test_pretrain_heads_start_each_step_without_gradients(corpora, base, tmp_path, monkeypatch):
    left_over = []

    class Watched(pretraining.PretrainingTrainer):
        def compute_loss(self, model, inputs, *_args, **_kwargs):
            heads = model.get_submodule("heads").parameters()
            left_over.append([weight.grad is not None for weight in heads])
            return super().compute_loss(model, inputs)

    monkeypatch.setattr(pretraining, "PretrainingTrainer", Watched)
    config = pretrain_config(corpora, tmp_path, start=base, objectives=objectives(corpora))
    pretraining.pretrain(config, alone)
    assert len(left_over) == config.max_steps
    assert all(len(step) == 4 and not any(step) for step in left_over)


@pytest.mark.parametrize("weight", [1.0, 4.0])
def test_compute_loss_adds_the_objectives_loss_times_its_weight(corpora, base, tmp_path, weight):
    chosen = objectives(corpora)
    chosen["tags"]["weight"] = weight
    config = pretrain_config(corpora, tmp_path, start=base, objectives=chosen)
    codec = Codec.of(base)
    of_each = of_config(config, codec)
    learnt = [objective for objective, _ in of_each]
    examples = {objective.name: source.encode(source.rows) for objective, source in of_each}
    model = pretraining.ModularPretraining.from_pretrained(base, dtype=torch.float32)
    model.take_up(learnt)
    trainer = pretraining.PretrainingTrainer(config, codec, model, examples, Worker())
    place = [one.name for one in learnt].index("tags")
    batch = learnt[place].collate(examples["tags"][:4])
    batch = {**shift_positions(batch, 32, 1), "objective": torch.tensor(place)}
    model.eval()
    with torch.no_grad():
        encoded = {
            name: batch[name]
            for name in ("input_ids", "attention_mask", "position_ids", "lang_ids")
        }
        hidden = model.roberta(**encoded).last_hidden_state
        masked = masked_lm_loss(model.lm_head, hidden, batch["hidden_ids"])
        tagged = learnt[place].loss(model.heads["tags"], hidden, batch)
        total = trainer.compute_loss(model, batch)
    torch.testing.assert_close(total, masked + weight * tagged)


def test_pretrain_goes_on_with_more_languages_and_keeps_the_adapters_of_those_it_had(
    corpora, base, tmp_path
):
    """One step at a rate that changes nothing to speak of: what is left is where it started."""
    config = pretrain_config(
        corpora, tmp_path / "more", start=base, languages=["zh_CN", "en_XX"], max_steps=1
    )
    slow = config.optimisation.model_copy(update={"learning_rate": 1e-9})
    pretraining.pretrain(config.model_copy(update={"optimisation": slow}), alone)
    before, after = (load_file(one / "frozen.safetensors") for one in (base, tmp_path / "more"))
    adapters = {name for name in after if ".adapter_modules." in name}
    assert adapters == {
        name for name in before if ".adapter_modules." in name and ".de_DE." not in name
    }
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in adapters)


def test_pretrain_from_xlm_r_keeps_its_weights_and_adds_adapters(corpora, base, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=34,
        type_vocab_size=1,
    )
    xlm_r = XLMRobertaForMaskedLM(config)
    xlm_r.save_pretrained(tmp_path / "xlm_r")
    tokenizer.save_pretrained(tmp_path / "xlm_r")
    wanted = pretrain_config(corpora, tmp_path / "out", start=tmp_path / "xlm_r", max_steps=1)
    slow = wanted.optimisation.model_copy(update={"learning_rate": 1e-9})
    pretraining.pretrain(wanted.model_copy(update={"optimisation": slow}), alone)
    model = XmodForMaskedLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    query = "roberta.encoder.layer.1.attention.self.query.weight"
    torch.testing.assert_close(
        model.state_dict()[query], xlm_r.state_dict()[query], atol=1e-6, rtol=0
    )
    assert set(model.roberta.encoder.layer[0].output.adapter_modules) == set(LANGUAGES)


def test_pretrain_from_another_kind_of_model_is_refused(corpora, base, tmp_path):
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert", "languages": []}')
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "bert")
    config = pretrain_config(corpora, tmp_path, start=tmp_path / "bert")
    with pytest.raises(CheckpointError, match="type 'bert'; expected 'xmod' or 'xlm-roberta'"):
        pretraining.pretrain(config, alone)


def test_pretrain_start_with_a_shape_that_would_not_be_used_is_refused(corpora, base, tmp_path):
    with pytest.raises(ValueError, match="vocabulary and architecture would not be used"):
        pretrain_config(corpora, tmp_path, start=base, **NEW_MODEL)


def test_start_from_content_vectors_of_other_words_differ(new_model):
    """Means are over a whole window, where the positions, which are centred, add up to nothing."""

    def likeness() -> float:
        ids = torch.stack([torch.arange(5, 37), torch.arange(40, 72)])
        means = new_model.roberta.embeddings(input_ids=ids).mean(dim=1)
        return float(torch.cosine_similarity(means[0], means[1], dim=0).detach())

    before = likeness()
    start_from_content(new_model)
    assert likeness() < before - 0.2


def test_start_from_content_neighbours_are_more_alike_than_what_is_far_away(new_model):
    def likeness(apart: int) -> float:
        places = torch.arange(5, 15)
        first, second = (
            new_model.roberta.embeddings(
                input_ids=torch.full((1, 10), 7), position_ids=(places + shift).unsqueeze(0)
            )
            for shift in (0, apart)
        )
        return float(torch.cosine_similarity(first, second, dim=-1).mean().detach())

    assert likeness(1) < likeness(4) + 0.05
    start_from_content(new_model)
    assert likeness(1) > likeness(4) + 0.05


def test_sinusoids_likeness_depends_on_the_distance_alone():
    places = sinusoids(64, 16)
    products = places @ places.T
    assert places.shape == (64, 16)
    for distance in (1, 5, 20):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-3, atol=1e-3)
    assert products[0, 0] > products[0, 1] > products[0, 3]
