"""The published checkpoints, by folder and by the hub's cache, against unmodified transformers."""

import json
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    XmodConfig,
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodModel,
)
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.errors import CheckpointError, ConfigError
from pipeline.training.importing.importing import Import, Imported, import_checkpoint
from tests.helpers import origins
from tests.helpers.checkpoints import (
    LANGUAGES,
    TOPICS,
    open_folder,
    save_heads,
    tiny_model,
    tiny_tokenizer,
)
from tests.helpers.origins import COMMIT, ROWS, SWISS

TOLERANCE = 1e-6
INPUTS = {
    "input_ids": torch.tensor([[0, 10, 20, 30, 2], [0, 11, 21, 2, 1]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]),
}


@pytest.fixture(scope="session")
def xlmr(tmp_path_factory) -> Path:
    """A folder with the tokenizer that the replicas were trained with."""
    folder = tmp_path_factory.mktemp("xlmr")
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """The hub's cache, on a machine that is not connected."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def imported(source: Path | str, out: Path, **options: object) -> Imported:
    return import_checkpoint(Import(source=str(source), out=out, **options))


def outputs(model: PreTrainedModel, lang_ids: tuple[int, int] = (1, 2)) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(**INPUTS, lang_ids=torch.tensor(lang_ids))[0].float()


def loaded(folder: Path, architecture: str) -> PreTrainedModel:
    model, info = getattr(transformers, architecture).from_pretrained(
        folder, output_loading_info=True
    )
    assert not any(info.values()), info
    return model


def require_parity(model: PreTrainedModel, folder: Path) -> None:
    found = loaded(folder, type(model).__name__)
    assert torch.allclose(outputs(model), outputs(found), atol=TOLERANCE)
    checkpoint = open_folder(folder)
    text = "Anna Schmidt visited <mask>."
    ids = checkpoint.tokenizer(text)["input_ids"]
    assert AutoTokenizer.from_pretrained(folder)(text)["input_ids"] == ids


@pytest.mark.parametrize("row", ROWS)
def test_published_checkpoint_by_folder_gives_what_transformers_gives(tmp_path, xlmr, row):
    build, has_tokenizer = ROWS[row]
    model = build(tmp_path / row)
    tokenizer = None if has_tokenizer else str(xlmr)
    found = imported(tmp_path / row, tmp_path / "out", tokenizer=tokenizer)
    assert found.architecture == type(model).__name__
    assert found.sha256 == open_folder(tmp_path / "out").digest
    require_parity(model, tmp_path / "out")


@pytest.mark.parametrize("row", ROWS)
def test_published_checkpoint_by_hub_cache_gives_what_transformers_gives(tmp_path, xlmr, hub, row):
    build, has_tokenizer = ROWS[row]
    model = build(tmp_path / row)
    origins.cached(tmp_path / row, hub, f"owner/{row}")
    tiny_tokenizer().save_pretrained(tmp_path / "t")
    origins.cached(tmp_path / "t", hub, "owner/tokenizer")
    tokenizer = None if has_tokenizer else f"owner/tokenizer@{COMMIT}"
    imported(f"owner/{row}@{COMMIT}", tmp_path / "out", tokenizer=tokenizer)
    require_parity(model, tmp_path / "out")
    assert f"`owner/{row}@{COMMIT}`" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    "settings", [{}, {"pre_norm": True, "adapter_reduction_factor": 4}], ids=str
)
def test_fairseq_checkpoint_gives_what_the_same_weights_give(tmp_path, settings):
    model = origins.fairseq_xmod(tmp_path / "fairseq", **settings)
    imported(tmp_path / "fairseq", tmp_path / "out")
    require_parity(model, tmp_path / "out")
    assert len(open_folder(tmp_path / "out").tokenizer) == model.config.vocab_size


def test_fairseq_checkpoint_takes_no_tokenizer_of_another_order(tmp_path, xlmr):
    """Ids of the same number would pass, and give other words' vectors."""
    origins.fairseq_xmod(tmp_path / "fairseq")
    with pytest.raises(CheckpointError, match=r"has the id .* and .*dict\.txt has"):
        imported(tmp_path / "fairseq", tmp_path / "out", tokenizer=str(xlmr))


def test_old_file_format_and_shards_are_read(tmp_path, xlmr):
    model = origins.xmod_base(tmp_path / "new")
    state = torch.load(tmp_path / "new" / "pytorch_model.bin", weights_only=True)
    (tmp_path / "old").mkdir()
    config = (tmp_path / "new" / "config.json").read_bytes()
    (tmp_path / "old" / "config.json").write_bytes(config)
    names = sorted(state)
    places = {}
    for number, part in enumerate((names[::2], names[1::2])):
        file = f"pytorch_model-0000{number}.bin"
        some = {name: state[name] for name in part}
        torch.save(some, tmp_path / "old" / file, _use_new_zipfile_serialization=number == 0)
        places |= dict.fromkeys(part, file)
    index = tmp_path / "old" / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    imported(tmp_path / "old", tmp_path / "out", tokenizer=str(xlmr))
    require_parity(model, tmp_path / "out")


def test_card_says_where_it_came_from_and_what_was_changed(tmp_path, xlmr):
    origins.sentence_swissbert(tmp_path / "source")
    imported(tmp_path / "source", tmp_path / "out", languages=("fr_CH", "rm_CH"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert str(tmp_path / "source") in card
    assert "| `pytorch_model.bin` | `" in card
    assert "XmodForCL" in card
    assert "de_CH" in card


def test_files_of_sentence_transformers_are_carried_along(tmp_path):
    origins.dpr_xm(tmp_path / "source")
    imported(tmp_path / "source", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "1_Pooling" / "config.json").read_text()) == (
        origins.POOLING
    )
    prompts = json.loads((tmp_path / "out" / "config_sentence_transformers.json").read_text())
    assert prompts["prompts"] == {"query": "query: "}


def test_languages_keep_their_adapters_in_the_order_of_the_checkpoint(tmp_path):
    model = origins.swissbert(tmp_path / "source")
    found = imported(tmp_path / "source", tmp_path / "out", languages=("rm_CH", "fr_CH"))
    assert found.languages == ("fr_CH", "rm_CH")
    less = loaded(tmp_path / "out", "XmodForTokenClassification")
    assert torch.allclose(outputs(model, (1, 3)), outputs(less, (0, 1)), atol=TOLERANCE)
    assert less.config.default_language is None
    assert any("default language, de_CH" in note for note in found.notes)
    with pytest.raises(ConfigError, match=r"--languages has xx; expected some of .*de_CH"):
        imported(tmp_path / "source", tmp_path / "other", languages=("xx", "fr_CH"))
    with pytest.raises(ConfigError, match=r"--languages has no language; expected some of"):
        imported(tmp_path / "source", tmp_path / "other", languages=())
    assert SWISS[0] not in found.languages


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_dtype_casts_every_weight(tmp_path, dtype):
    model = origins.xmod_base(tmp_path / "source")
    imported(tmp_path / "source", tmp_path / "out", dtype=dtype)
    with safe_open(tmp_path / "out" / "model.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {getattr(torch, dtype)}
    found = loaded(tmp_path / "out", "XmodForMaskedLM")
    assert torch.equal(outputs(found), outputs(model.to(getattr(torch, dtype))))


def test_value_that_float16_cannot_hold_is_refused(tmp_path, xlmr):
    model = tiny_model(XmodModel)
    with torch.no_grad():
        model.embeddings.word_embeddings.weight[7] = 1e6
    origins.save_bin(model, tmp_path / "source")
    with pytest.raises(CheckpointError, match=r"1e\+06.*more than .*float16.*--dtype bfloat16"):
        imported(tmp_path / "source", tmp_path / "out", tokenizer=str(xlmr), dtype="float16")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_decoder_of_its_own_stays_apart(tmp_path, xlmr):
    model = tiny_model(XmodForMaskedLM, tie_word_embeddings=False)
    origins.save_bin(model, tmp_path / "source", tie_word_embeddings=True)
    found = imported(tmp_path / "source", tmp_path / "out", tokenizer=str(xlmr))
    require_parity(model, tmp_path / "out")
    assert any("kept apart" in note for note in found.notes)


def test_code_that_a_config_names_is_left_out(tmp_path, xlmr):
    model = tiny_model(XmodModel)
    origins.save_bin(model, tmp_path / "source", auto_map={"AutoModel": "evil.Model"})
    found = imported(tmp_path / "source", tmp_path / "out", tokenizer=str(xlmr))
    assert any("auto_map" in note for note in found.notes)
    assert "auto_map" not in json.loads((tmp_path / "out" / "config.json").read_text())
    require_parity(model, tmp_path / "out")


def test_weights_in_a_wrapper_with_old_names_are_found(tmp_path, xlmr):
    model = origins.xmod_base_30(tmp_path / "source")
    path = tmp_path / "source" / "model.safetensors"
    old = {
        f"module.{name}".replace("LayerNorm.weight", "LayerNorm.gamma"): weight
        for name, weight in load_file(path).items()
    }
    save_file(old, path)
    imported(tmp_path / "source", tmp_path / "out", tokenizer=str(xlmr))
    require_parity(model, tmp_path / "out")


def test_folder_with_something_in_it_is_not_touched(tmp_path):
    origins.xmod_base(tmp_path / "source")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    with pytest.raises(ConfigError, match=r"--out is .*out, which is there already"):
        imported(tmp_path / "source", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_tokenizer_of_another_checkpoint_is_refused_and_leaves_nothing(tmp_path, xlmr):
    origins.save_bin(tiny_model(XmodModel, vocab_size=50), tmp_path / "source")
    with pytest.raises(CheckpointError, match=r"tokenizer of \d+ tokens and a model of vocab_size"):
        imported(tmp_path / "source", tmp_path / "out", tokenizer=str(xlmr))
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_checkpoint_without_tokenizer_is_refused_until_one_is_given(tmp_path):
    origins.xmod_base_13(tmp_path / "source")
    with pytest.raises(CheckpointError, match=r"has no tokenizer .*Give --tokenizer"):
        imported(tmp_path / "source", tmp_path / "out")


@pytest.mark.parametrize("option", [{"dtype": "int8"}, {"architecture": "BertModel"}], ids=str)
def test_option_with_an_unknown_value_is_refused(tmp_path, option):
    with pytest.raises(ConfigError, match="expected one of"):
        imported(tmp_path, tmp_path / "out", **option)


def test_head_of_several_is_imported_with_its_config_and_float8_as_bfloat16(tmp_path):
    source = save_heads(tmp_path / "source", {"word_embeddings": torch.float8_e4m3fn})
    with pytest.raises(CheckpointError, match=r"several heads: .*Give --head"):
        imported(source, tmp_path / "out")
    found = imported(source, tmp_path / "out", head="topic", languages=("de_DE",))
    assert found.architecture == "XmodForSequenceClassification"
    checkpoint = open_folder(tmp_path / "out")
    assert (checkpoint.labels, checkpoint.languages) == (TOPICS, ("de_DE",))
    config = XmodConfig.from_json_file(str(source / "topic.json"))
    model = XmodForSequenceClassification.from_pretrained(
        source, config=config, dtype=torch.float32
    )
    expected = outputs(model, (LANGUAGES.index("de_DE"),) * 2)
    out = XmodForSequenceClassification.from_pretrained(tmp_path / "out", dtype=torch.float32)
    assert torch.allclose(outputs(out, (0, 0)), expected, atol=TOLERANCE)


def test_command_writes_a_checkpoint_and_says_what_it_did(tmp_path):
    origins.sentence_swissbert(tmp_path / "source")
    words = ["import", str(tmp_path / "source"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "XmodForCL" in done.output
    assert open_folder(tmp_path / "out").digest in done.output


def test_command_refuses_in_one_line(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "pytorch_model.bin").write_bytes(b"\x80\x02cposix\nsystem\n.")
    words = ["import", str(tmp_path / "source"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert set(LANGUAGES).isdisjoint(done.stderr.split())
