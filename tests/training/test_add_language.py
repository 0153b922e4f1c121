"""A language after the fact: what is new learns, and what was there stays to the bit."""

import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoTokenizer, XmodForMaskedLM, XmodForTokenClassification

from pipeline.errors import CheckpointError, ConfigError
from pipeline.training.add_language import add_language
from pipeline.training.base import opened
from pipeline.training.checkpoint import is_frozen
from pipeline.training.codec import Codec
from pipeline.training.collate import MaskedCollator
from pipeline.training.finetune import finetune
from pipeline.training.heads.masked_lm import encode
from pipeline.training.learning import Learnt, alone
from pipeline.training.new_adapter import extended_model, growing_model
from pipeline.training.settings import AddLanguageConfig
from pipeline.training.vocabulary import with_new_pieces
from tests.helpers.checkpoints import open_folder
from tests.helpers.training_configs import OPTIMISATION

GREEK = ["το", "ποτάμι", "πόλη", "είναι", "μεγάλη", "και", "παλιά", "άνθρωποι", "ζουν", "εκεί"]
TEXTS = ["Anna of the large river", "Karl und Bremen ist alt", "李明住在北京"]


@pytest.fixture(scope="module")
def greek(tmp_path_factory):
    """Texts in a script that the base has never seen."""
    generator = np.random.default_rng(1)
    texts = [" ".join(generator.choice(GREEK, size=8)) for _ in range(200)]
    path = tmp_path_factory.mktemp("greek") / "texts.parquet"
    pq.write_table(pa.table({"text": texts, "language": ["el_GR"] * 200}), path)
    return path


@pytest.fixture
def addition(base, greek, tmp_path):
    def make(**changes) -> AddLanguageConfig:
        settings = {
            "base": base,
            "out": tmp_path / "more",
            "language": "el_GR",
            "data": greek,
            "max_steps": 30,
            "new_pieces": 60,
            "embedding_learning_rate": 0.05,
            "optimisation": {**OPTIMISATION, "learning_rate": 1e-2, "weight_decay": 0.1},
        }
        return AddLanguageConfig.model_validate(settings | changes)

    return make


def states(folder, text: str, lang_id: int) -> torch.Tensor:
    model = XmodForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        return model.roberta(ids, lang_ids=torch.tensor([lang_id])).last_hidden_state


def test_add_language_old_languages_give_the_same_bits(base, addition):
    added = add_language(addition(), alone)
    assert added.new_pieces > 0
    for lang_id, text in enumerate(TEXTS):
        before = states(base, text, lang_id)
        after = states(addition().out / "base", text, lang_id)
        assert torch.equal(before, after)


def test_add_language_all_that_was_there_is_there_to_the_bit(base, addition):
    add_language(addition(), alone)
    before, after = (
        dict(XmodForMaskedLM.from_pretrained(folder).named_parameters())
        for folder in (base, addition().out / "base")
    )
    for name, weight in before.items():
        assert torch.equal(weight, after[name][: len(weight)]), name
    new = {name for name in after if name not in before}
    assert new
    assert all(".adapter_modules.el_GR." in name for name in new)


def test_add_language_is_learnt(addition):
    added = add_language(addition(max_steps=200), alone)
    assert added.perplexity_new < 1.1 * len(GREEK)  # whose words come in any order
    assert added.perplexity_new < added.perplexity_nearest


@pytest.fixture(scope="module")
def dutch(tmp_path_factory):
    """Texts in a script that the base knows."""
    path = tmp_path_factory.mktemp("dutch") / "texts.parquet"
    rows = {"text": ["der alte fluss ist gross"] * 40, "language": ["nl_XX"] * 40}
    pq.write_table(pa.table(rows), path)
    return path


def test_add_language_starts_from_the_nearest_or_afresh(base, addition, greek, dutch, tmp_path):
    """One step at a rate that changes nothing to speak of: what is left is where it started."""
    slow = {**OPTIMISATION, "learning_rate": 1e-9}
    name = "roberta.encoder.layer.0.output.adapter_modules.{}.dense1.weight"
    old = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32).state_dict()

    def copied(start: str, language: str, data) -> set[str]:
        """The old languages whose adapter the new one is after `start`."""
        out = tmp_path / f"{language}_{start}"
        changes = {"language": language, "data": data, "start": start, "out": out}
        add_language(addition(max_steps=1, optimisation=slow, **changes), alone)
        new = XmodForMaskedLM.from_pretrained(out / "base", dtype=torch.float32).state_dict()
        mine = new[name.format(language)]
        languages = ("en_XX", "de_DE", "zh_CN")
        return {one for one in languages if torch.allclose(mine, old[name.format(one)], atol=1e-3)}

    assert len(copied("nearest", "nl_XX", dutch)) == 1
    assert copied("zh_CN", "nl_XX", dutch) == {"zh_CN"}
    assert copied("afresh", "nl_XX", dutch) == set()
    # Of a script that no old adapter has read a letter of, none is the nearest.
    assert copied("nearest", "el_GR", greek) == set()


def test_add_language_new_rows_take_no_more_probability_than_others(base, addition):
    """Their output bias starts as the mean of the old ones, not at 0."""
    codec = Codec.of(base)
    texts = pq.read_table(addition().data)["text"].to_pylist()
    tokenizer = with_new_pieces(Codec.of(base).tokenizer, texts, 60)
    more = replace(codec, tokenizer=tokenizer, languages=(*codec.languages, "el_GR"))
    bias = extended_model(base, more, None).lm_head.bias.detach()
    old = len(codec.tokenizer)
    assert len(bias) > old
    torch.testing.assert_close(bias[old:], bias[:old].mean().expand(len(bias) - old))


def test_add_language_to_a_base_of_one_float32_file(base, addition, tmp_path):
    """As facebook/xmod-base is: nothing is rounded."""
    plain = tmp_path / "plain"
    model = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1e-5 * torch.randn_like(weight))  # beneath float16
    model.save_pretrained(plain)
    AutoTokenizer.from_pretrained(base).save_pretrained(plain)
    config = addition(base=plain)
    add_language(config, alone)
    new = XmodForMaskedLM.from_pretrained(config.out / "base", dtype=torch.float32)
    after = dict(new.named_parameters())
    for name, weight in model.named_parameters():
        assert torch.equal(weight, after[name][: len(weight)]), name


def test_add_language_of_a_known_script_adds_no_rows(base, addition, dutch):
    config = addition(language="nl_XX", data=dutch)
    added = add_language(config, alone)
    assert added.new_pieces == 0
    assert added.nearest in ("en_XX", "de_DE", "zh_CN")
    old, new = (AutoTokenizer.from_pretrained(one) for one in (base, config.out / "base"))
    assert len(old) == len(new)


def test_add_language_heads_serve_it_at_once(finetune_config, addition):
    head = finetune_config("ner", "ner_before")
    finetune(head, alone)
    config = addition(tasks={"ner": head.out})
    add_language(config, alone)
    model, report = XmodForTokenClassification.from_pretrained(
        config.out / "ner", dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert model.config.languages[-1] == "el_GR"
    grown = XmodForMaskedLM.from_pretrained(config.out / "base", dtype=torch.float32).state_dict()
    for name, weight in model.named_parameters():
        assert not is_frozen(name) or torch.equal(weight, grown[name]), name
    temperature = open_folder(head.out).temperature
    moved = (config.out / "ner").rename(config.out.parent / "moved")
    checkpoint = open_folder(moved)
    assert checkpoint.temperature == temperature
    assert checkpoint.languages[-1] == "el_GR"
    assert len(checkpoint.tokenizer) == checkpoint.config.vocab_size


def test_add_language_masked_lm_head_of_a_task_gets_the_new_rows(finetune_config, addition):
    head = finetune_config("embeddings", "vectors_before")
    finetune(head, alone)
    config = addition(tasks={"vectors": head.out})
    add_language(config, alone)
    model, report = XmodForMaskedLM.from_pretrained(
        config.out / "vectors", dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["mismatched_keys"]
    assert len(model.lm_head.bias) == model.config.vocab_size


@pytest.mark.parametrize("tag", ["de_DE", "de", "German"])
def test_add_language_that_is_there_is_refused(addition, tag):
    with pytest.raises(ConfigError, match="has an adapter for de_DE already"):
        add_language(addition(language=tag, data=addition().data), alone)


def test_add_language_a_decoder_of_its_own_gets_no_new_rows(addition, base, tmp_path):
    """They would be trained among the embeddings, and never guessed."""
    model = XmodForMaskedLM.from_pretrained(base)
    model.config.tie_word_embeddings = False
    model.lm_head.decoder.weight = torch.nn.Parameter(model.lm_head.decoder.weight.detach() + 1)
    model.lm_head.decoder.bias = torch.nn.Parameter(model.lm_head.bias.detach() + 1)
    model.save_pretrained(tmp_path / "untied")
    for path in base.glob("tokenizer*"):
        shutil.copy(path, tmp_path / "untied" / path.name)
    with pytest.raises(CheckpointError, match=r"a decoder of its own.*Raise unknown_share"):
        add_language(addition(base=tmp_path / "untied"), alone)


def test_add_language_from_one_that_is_not_there_is_refused(addition):
    with pytest.raises(ConfigError, match=r"Unknown start 'fr_XX'.*nearest, afresh.*de_DE"):
        add_language(addition(start="fr_XX"), alone)


def test_add_language_to_a_task_of_another_base_is_refused(finetune_config, addition):
    head = finetune_config("classification", "other_base", frozen=False)
    finetune(head, alone)
    with pytest.raises(CheckpointError, match=r"other_base differ from those in .*base, frozen"):
        add_language(addition(tasks={"topic": head.out}), alone)


@pytest.fixture
def grown(base, addition):
    """The base's codec with Greek and its pieces."""
    codec = Codec.of(base)
    texts = pq.read_table(addition().data)["text"].to_pylist()
    tokenizer = with_new_pieces(Codec.of(base).tokenizer, texts, 60)
    return replace(codec, tokenizer=tokenizer, languages=(*codec.languages, "el_GR"))


def test_growing_model_has_the_loss_of_transformers_over_all_places(base, addition, grown):
    """Apart or joined, and at masked places alone, it is what the unmodified model computes."""
    growing = growing_model(opened(base), grown, "de_DE").eval()
    with torch.no_grad():
        growing.new_rows.normal_()
        growing.new_bias.normal_()
    learnt = {name: weight.detach().clone() for name, weight in growing.named_parameters()}
    joined = extended_model(base, grown, "de_DE", learnt).eval()
    plain = XmodForMaskedLM(joined.config).eval()
    plain.load_state_dict(joined.state_dict())
    torch.manual_seed(0)
    examples = encode(pq.read_table(addition().data), grown)[:6]
    batch = MaskedCollator(grown, 0.3)(examples)
    assert int(batch["input_ids"].max()) >= len(Codec.of(base).tokenizer)
    expected = plain(**batch).loss
    torch.testing.assert_close(growing(**batch).loss, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(joined(**batch).loss, expected, atol=1e-5, rtol=1e-5)


def test_growing_model_trains_new_rows_within_spare_ones_of_the_model(
    base, addition, grown, tmp_path
):
    """A model may have more rows than its tokenizer has tokens."""
    model = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32)
    model.resize_token_embeddings(model.config.vocab_size + 10, mean_resizing=False)
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path)
    growing = growing_model(opened(tmp_path), grown, None).eval()
    joined = extended_model(tmp_path, grown, None, dict(growing.named_parameters())).eval()
    batch = MaskedCollator(grown, 0.3)(encode(pq.read_table(addition().data), grown)[:6])
    plain = XmodForMaskedLM(joined.config).eval()
    plain.load_state_dict(joined.state_dict())
    torch.testing.assert_close(growing(**batch).loss, plain(**batch).loss, atol=1e-5, rtol=1e-5)


def test_add_language_what_comes_back_is_new(addition):
    """Neither what was there nor what stays of the vocabulary goes through the cluster."""
    seen: list[Learnt] = []

    @contextmanager
    def watched(learn, sources):
        with alone(learn, sources) as learnt:
            seen.append(learnt)
            yield learnt

    added = add_language(addition(), watched)
    (learnt,) = seen
    assert {name for name in learnt.weights if ".el_GR." not in name} == {"new_rows", "new_bias"}
    assert len(learnt.weights["new_rows"]) == added.new_pieces


def test_add_language_compares_the_candidates_alone(addition, dutch, caplog):
    config = addition(language="nl_XX", data=dutch, candidates=["de", "zh_CN"])
    with caplog.at_level("INFO"):
        assert add_language(config, alone).nearest in ("de_DE", "zh_CN")
    told = [line for line in caplog.messages if line.startswith("Perplexity of nl_XX")]
    assert [line.rpartition("(")[2] for line in told] == ["1 of 2)", "2 of 2)"]
    with pytest.raises(ConfigError, match=r"candidates has \['fr'\], for which the base has no"):
        add_language(addition(candidates=["fr"]), alone)


def test_add_language_reads_the_tags_of_its_texts_as_annotating_does(addition, dutch, tmp_path):
    table = pq.read_table(dutch).drop_columns(["language"])
    tagged = table.append_column("language", pa.array(["nl"] * 20 + ["Dutch"] * 20))
    pq.write_table(tagged, tmp_path / "tagged.parquet")
    config = addition(language="nl_XX", data=tmp_path / "tagged.parquet", start="de")
    assert add_language(config, alone).new_pieces == 0
