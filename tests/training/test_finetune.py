"""Pre-training, fine-tuning and loading, end to end on a tiny corpus."""

import json
import shutil
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
from safetensors.torch import load_file
from scipy.special import softmax
from sklearn.metrics import log_loss
from transformers import (
    AutoTokenizer,
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
)

from pipeline.config import ModelSettings, NerSettings
from pipeline.errors import ConfigError, InputError
from pipeline.training.calibration import labelled_logits
from pipeline.training.checkpoint import is_frozen
from pipeline.training.evaluate import evaluate, load_reader
from pipeline.training.finetune import finetune, gather
from pipeline.training.heads import HEADS
from pipeline.training.learning import alone
from pipeline.training.settings import EvaluateConfig, Evaluated
from pipeline.xmod.checkpoint import open_checkpoint
from pipeline.xmod.files import WEIGHTS
from pipeline.xmod.heads import require_head
from tests.helpers.checkpoints import open_folder
from tests.helpers.saved_datasets import save_to_disk
from tests.helpers.stages import annotated
from tests.helpers.training_configs import OPTIMISATION

FIGURES = {
    "ner": {"entity_f1"},
    "classification": {"accuracy", "macro_f1"},
    "question_answering": {"exact_match", "answer_f1"},
    "multiple_choice": {"accuracy"},
    "masked_lm": {"masked_perplexity"},
    "causal_lm": {"perplexity"},
    "embeddings": {"retrieval"},
}
CLASSES = {
    "ner": "XmodForTokenClassification",
    "classification": "XmodForSequenceClassification",
    "question_answering": "XmodForQuestionAnswering",
    "multiple_choice": "XmodForMultipleChoice",
    "masked_lm": "XmodForMaskedLM",
    "causal_lm": "XmodForCausalLM",
    "embeddings": "XmodForMaskedLM",
}
QUERY = "roberta.encoder.layer.0.attention.self.query.weight"


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


@pytest.mark.parametrize("task", FIGURES)
def test_finetune_any_head_leaves_a_checkpoint_that_transformers_and_the_pipeline_load(
    base, finetune_config, task
):
    config = finetune_config(task, f"any_{task}")
    figures = finetune(config, alone)
    assert set(figures) == FIGURES[task]
    assert all(set(scores) == {"de_DE", "zh_CN"} for scores in figures.values())
    model_class = getattr(transformers, CLASSES[task])
    model, report = model_class.from_pretrained(
        config.out, dtype=torch.float32, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert model.config.architectures == [CLASSES[task]]
    plain = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32).state_dict()
    same = {
        name: torch.equal(weight, plain[name])
        for name, weight in model.named_parameters()
        if name in plain
    }
    assert all(same[name] for name in same if is_frozen(name))
    assert not same[QUERY]
    require_head(open_checkpoint(ModelSettings(path=str(config.out))), CLASSES[task])
    card = (config.out / "README.md").read_text()
    assert all(name in card for name in FIGURES[task])
    assert (config.out / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((config.out / "history.json").read_text())


def test_finetune_causal_lm_becomes_a_decoder(finetune_config):
    config = finetune_config("causal_lm", "decoder")
    finetune(config, alone)
    assert json.loads((config.out / "config.json").read_text())["is_decoder"] is True


def test_finetune_folder_copied_and_moved_works_without_its_base(
    base, finetune_config, corpora, tmp_path
):
    own_base = shutil.copytree(base, tmp_path / "base")
    config = finetune_config("ner", tmp_path / "ner", base=own_base)
    finetune(config, alone)
    folder = shutil.copytree(config.out, tmp_path / "copied").rename(tmp_path / "moved")
    for old in (config.out, own_base):
        shutil.rmtree(old)
    assert {weight.dtype for weight in load_file(folder / WEIGHTS).values()} == {torch.float16}
    assert AutoTokenizer.from_pretrained(folder).is_fast
    _, report = XmodForTokenClassification.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    settings = NerSettings(type="ner", model=ModelSettings(path=str(folder)))
    checkpoint, runtime = open_folder(folder), {"max_length": 32, "stride": 4}
    rows = annotated(settings, checkpoint, ["Karl ist alt"], ["de_DE"], ("de_DE",), runtime=runtime)
    assert rows["entities"].null_count == 0
    scored = {"task": "ner", "checkpoint": folder, "data": corpora / "ner.parquet"}
    told = {"checkpoints": {"one": scored}, "out": tmp_path, "batch_size": 8, "threads": 1}
    (board,) = evaluate(EvaluateConfig.model_validate(told), transfer=False)
    assert set(board.columns["own"]["entity_f1"]) == {"en_XX", "de_DE", "zh_CN"}


@pytest.mark.parametrize("task", ["ner", "classification"])
def test_finetune_learns_a_temperature_by_which_dev_labels_are_more_likely(finetune_config, task):
    config = finetune_config(task, f"calibrated_{task}", max_dev_rows_per_language=100)
    finetune(config, alone)
    temperature = open_folder(config.out).temperature
    scored = Evaluated(task=task, checkpoint=config.out, data=config.data)
    reader, dev = load_reader(scored, batch_size=8), gather(config).dev
    given, wanted = labelled_logits(HEADS[config.task], reader, dev)
    calibrated, plain = (
        log_loss(wanted, softmax(given / one, axis=-1), labels=range(given.shape[1]))
        for one in (temperature, 1.0)
    )
    assert calibrated < plain
    card = (config.out / "README.md").read_text()
    assert f"Calibrated on {len(wanted)} dev labels" in card
    assert f"`calibration_temperature` {temperature:.2f}" in card


def test_finetune_a_temperature_is_of_its_head_alone(finetune_config):
    """A head that goes on from a calibrated one has its own, and one without labels has none."""
    config = finetune_config("classification", "first_of_two")
    finetune(config, alone)
    assert open_folder(config.out).temperature != 1.0
    again = finetune_config("embeddings", "second_of_two", base=config.out)
    finetune(again, alone)
    assert "calibration_temperature" not in json.loads((again.out / "config.json").read_text())


def test_finetune_dev_labels_that_no_train_row_has_are_left_out_of_the_calibration(
    finetune_config, corpora, tmp_path
):
    rows = pq.read_table(corpora / "topic.parquet").to_pylist()
    for row in [row for row in rows if row["split"] == "dev"][::2]:
        row["label"] = "unheard of"
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "unheard.parquet")
    config = finetune_config("classification", "unheard", data=tmp_path / "unheard.parquet")
    finetune(config, alone)
    assert open_folder(config.out).labels == ("person", "place")
    assert "`calibration_temperature`" in (config.out / "README.md").read_text()


def test_finetune_not_frozen_trains_embeddings_into_a_checkpoint_of_its_own(base, finetune_config):
    before = load_file(base / WEIGHTS)
    config = finetune_config("classification", "unfrozen", frozen=False)
    finetune(config, alone)
    after = load_file(config.out / WEIGHTS)
    words = "roberta.embeddings.word_embeddings.weight"
    assert not torch.equal(before[words], after[words])
    assert torch.equal(before[words], load_file(base / WEIGHTS)[words])


def test_finetune_of_a_frozen_encoder_trains_the_head_alone(base, finetune_config):
    config = finetune_config("classification", "head_alone", frozen="encoder")
    finetune(config, alone)
    found = XmodForSequenceClassification.from_pretrained(config.out).base_model.state_dict()
    for name, weight in (
        XmodModel.from_pretrained(base, add_pooling_layer=False).state_dict().items()
    ):
        assert torch.equal(weight, found[name]), name


def test_finetune_labels_are_those_of_the_data(finetune_config):
    config = finetune_config("ner", "ner_labels")
    finetune(config, alone)
    model = XmodForTokenClassification.from_pretrained(config.out)
    assert list(model.config.id2label.values()) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    config = finetune_config("classification", "topic_labels")
    finetune(config, alone)
    model = XmodForSequenceClassification.from_pretrained(config.out)
    assert model.config.id2label == {0: "person", 1: "place"}


@pytest.mark.parametrize(("task", "figure"), [("ner", "entity_f1"), ("classification", "accuracy")])
def test_finetune_learns_what_the_data_say(finetune_config, task, figure):
    """A name of each kind in each language: what the base knows nothing of is learnt.

    Of Chinese the tokenizer glues names to what is beside them, which bounds the score there.
    """
    optimisation = {**OPTIMISATION, "learning_rate": 1e-2}
    config = finetune_config(
        task,
        f"learns_{task}",
        epochs=15,
        max_dev_rows_per_language=100,
        frozen=False,
        optimisation=optimisation,
    )
    scores = finetune(config, alone)[figure]
    assert scores["de_DE"] > 0.9
    assert np.mean(list(scores.values())) > 0.7


def test_finetune_keeps_the_best_epoch_and_stops_early(finetune_config):
    optimisation = {**OPTIMISATION, "learning_rate": 1e-2}
    config = finetune_config(
        "classification",
        "early",
        epochs=60,
        frozen=False,
        optimisation=optimisation,
        early_stopping={"patience": 2},
    )
    scores = finetune(config, alone)["accuracy"]
    history = json.loads((config.out / "history.json").read_text())
    means = [entry["eval_accuracy"] for entry in history if "eval_accuracy" in entry]
    assert len(means) < 60
    assert float(np.mean(list(scores.values()))) == pytest.approx(max(means))
    assert means.index(max(means)) == len(means) - 3  # two epochs without a better one


def test_class_weights_balanced_are_inverse_to_what_is_there(finetune_config):
    material = gather(finetune_config("classification", "weights", class_weights="balanced"))
    labels = material.train["label"].to_pylist()
    person, place = (material.weights[material.labels.index(name)] for name in ("person", "place"))
    assert person / place == pytest.approx(labels.count("place") / labels.count("person"))
    assert person + place == pytest.approx(2.0)


def test_class_weights_given_change_what_is_learnt(finetune_config):
    heavy = finetune_config("classification", "heavy", class_weights={"place": 50.0}, epochs=3)
    light = replace_weights(heavy, {"place": 0.02})
    finetune(heavy, alone)
    finetune(light, alone)
    texts = torch.tensor([[0, 5, 2], [0, 6, 2]])
    shares = [
        XmodForSequenceClassification.from_pretrained(one.out, dtype=torch.float32)
        .eval()(texts, lang_ids=torch.tensor([1, 1]))
        .logits.softmax(-1)[:, 1]
        for one in (heavy, light)
    ]
    assert (shares[0] > shares[1]).all()


def replace_weights(config, weights):
    return config.model_copy(update={"class_weights": weights, "out": config.out.parent / "light"})


def test_class_weights_of_a_label_that_is_not_there_are_refused(finetune_config):
    with pytest.raises(ConfigError, match=r"\['palce'\]; the data have \['person', 'place'\]"):
        gather(finetune_config("classification", "typo", class_weights={"palce": 2.0}))


def test_class_weights_of_a_task_without_labels_are_refused(finetune_config):
    with pytest.raises(ValueError, match="class_weights are of ner and classification"):
        finetune_config("embeddings", "none", class_weights="balanced")


def test_finetune_numbers_as_labels_are_names_like_others(finetune_config, corpora, tmp_path):
    table = pq.read_table(corpora / "topic.parquet")
    numbers = pa.array([len(label) for label in table["label"].to_pylist()])
    pq.write_table(table.set_column(1, "label", numbers), tmp_path / "numbers.parquet")
    config = finetune_config("classification", "numbers", data=tmp_path / "numbers.parquet")
    finetune(config, alone)
    model = XmodForSequenceClassification.from_pretrained(config.out)
    assert model.config.id2label == {0: "5", 1: "6"}


@pytest.mark.parametrize("split", ["train", "test"])
def test_gather_row_without_a_label_is_refused_but_among_test_rows(
    finetune_config, corpora, tmp_path, split
):
    rows = pq.read_table(corpora / "topic.parquet").to_pylist()
    next(row for row in rows if (row["language"], row["split"]) == ("de_DE", split))["label"] = None
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "unlabelled.parquet")
    config = finetune_config("classification", "none", data=tmp_path / "unlabelled.parquet")
    if split == "test":
        assert gather(config).labels == ("person", "place")
    else:
        with pytest.raises(InputError, match=r"1 of \d+ rows have no label"):
            gather(config)


def test_finetune_language_that_the_base_lacks_is_a_config_error(
    finetune_config, corpora, tmp_path
):
    rows = pq.read_table(corpora / "topic.parquet").to_pylist()
    french = [{**row, "language": "fr_XX"} for row in rows[:20]]
    pq.write_table(pa.Table.from_pylist([*rows, *french]), tmp_path / "french.parquet")
    config = finetune_config(
        "classification", "french", data=tmp_path / "french.parquet", languages=["fr_XX"]
    )
    with pytest.raises(ConfigError, match=r"no adapter for \['fr_XX'\].*add_language"):
        finetune(config, alone)


def test_finetune_on_a_base_of_one_float32_file(base, finetune_config, tmp_path):
    """As facebook/xmod-base is: nothing is rounded."""
    model = XmodForMaskedLM.from_pretrained(base, dtype=torch.float32)
    model.save_pretrained(tmp_path / "plain")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "plain")
    config = finetune_config("ner", "from_plain", base=tmp_path / "plain")
    finetune(config, alone)
    stored = load_file(config.out / WEIGHTS)
    assert {weight.dtype for weight in stored.values()} == {torch.float32}
    XmodForTokenClassification.from_pretrained(config.out)


def test_finetune_without_train_rows_is_an_input_error(finetune_config, corpora, tmp_path):
    table = pq.read_table(corpora / "topic.parquet")
    kept = [row for row in table.to_pylist() if row["split"] == "dev"]
    pq.write_table(table.from_pylist(kept), tmp_path / "untrained.parquet")
    config = finetune_config("classification", "untrained", data=tmp_path / "untrained.parquet")
    with pytest.raises(InputError, match="no rows of split 'train'"):
        finetune(config, alone)


def test_finetune_from_conll(finetune_config, tmp_path):
    conll = tmp_path / "names.conll"
    conll.write_text("der O\nKarl B-PER\n\nBremen B-LOC\nist O\n\n" * 10, encoding="utf-8")
    config = finetune_config(
        "ner", "from_conll", data=conll, languages=["de_DE"], language="de", dev_share=0.5
    )
    assert set(finetune(config, alone)["entity_f1"]) == {"de_DE"}


ROWS = [{"utterance": "der Fluss", "intent": "place"}, {"utterance": "Karl", "intent": "person"}]


def cells(separator: str, path) -> None:
    lines = [separator.join(row) for row in (ROWS[0], *(row.values() for row in ROWS * 10))]
    path.write_text("\n".join(lines), encoding="utf-8")


WRITERS = {
    "csv": partial(cells, ","),
    "tsv": partial(cells, "\t"),
    "jsonl": lambda path: path.write_text("\n".join(map(json.dumps, ROWS * 10))),
    "parquet": lambda path: pq.write_table(pa.Table.from_pylist(ROWS * 10), path),
    "saved": lambda path: save_to_disk(path, pa.Table.from_pylist(ROWS * 10), features={}),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_gather_one_file_of_any_kind_and_columns_of_any_name(finetune_config, tmp_path, kind):
    path = tmp_path / f"intents.{kind}"
    WRITERS[kind](path)
    config = finetune_config(
        "classification",
        "any_kind",
        data=path,
        columns={"text": "utterance", "label": "intent"},
        language="de",
        languages=["de"],
    )
    material = gather(config)
    assert (material.train.num_rows, material.dev.num_rows) == (18, 2)
    assert material.labels == ("person", "place")
    assert set(material.train["text"].to_pylist()) == {"der Fluss", "Karl"}


def test_gather_one_class_is_refused(finetune_config, tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nder Fluss,place\nKarl,place\n")
    config = finetune_config(
        "classification", "one", data=tmp_path / "a.csv", language="de", languages=["de"]
    )
    with pytest.raises(InputError, match=r"labels \['place'\]; a classifier needs two"):
        gather(config)


def test_finetune_shows_baselines_of_the_same_rows_beside_the_dev_figures(finetune_config):
    config = finetune_config("classification", "beside", max_dev_rows_per_language=100)
    finetune(config, alone)
    card = (config.out / "README.md").read_text()
    assert "| accuracy | dev | baseline | tf-idf |" in card
    history = json.loads((config.out / "history.json").read_text())
    (learnt,) = [one["tf-idf_accuracy"] for one in history if "tf-idf_accuracy" in one]
    (guessed,) = [one["baseline_accuracy"] for one in history if "baseline_accuracy" in one]
    # A label is which name is in the text.
    assert learnt > 0.9 > guessed


def test_finetune_in_bfloat16_learns_in_float32_weights(finetune_config):
    optimisation = {**OPTIMISATION, "precision": "bfloat16"}
    config = finetune_config("ner", "narrow", optimisation=optimisation)
    finetune(config, alone)
    losses = [
        entry["train_loss"]
        for entry in json.loads((config.out / "history.json").read_text())
        if "train_loss" in entry
    ]
    assert np.isfinite(losses).all()
    assert losses


def test_finetune_language_without_rows_is_an_input_error(finetune_config):
    config = finetune_config("ner", "ner_absent", languages=["en_XX", "fr_XX"])
    with pytest.raises(InputError, match="fr_XX"):
        finetune(config, alone)
