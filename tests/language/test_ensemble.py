"""Experts that agree and that do not."""

import numpy as np

from pipeline.language.ensemble import Ensemble, load_ensemble, save_ensemble

LIKELIHOODS = np.array([[0.0, -4.0, -8.0], [0.0, 0.0, 0.0]], np.float32)
FEATURES = np.array([16.0, 0.0], np.float32)


def test_alone_is_a_softmax_of_what_the_letters_and_spans_are_worth():
    shares = Ensemble(sharpness=2, power=0.5).alone(LIKELIHOODS, FEATURES)
    expected = np.exp([0, -2, -4]) / np.exp([0, -2, -4]).sum()
    np.testing.assert_allclose(shares[0], expected, rtol=1e-5)


def test_alone_where_no_feature_is_known_is_zero():
    assert Ensemble().alone(LIKELIHOODS, FEATURES)[1].tolist() == [0, 0, 0]


def test_together_without_weight_on_libraries_is_naive_bayes():
    others = np.array([[0, 0, 1], [0, 1, 0]], np.float32)
    ensemble = Ensemble(sharpness=0.5)
    together = ensemble.together(LIKELIHOODS[:1], FEATURES[:1], others[:1], others[:1])
    np.testing.assert_allclose(together, ensemble.alone(LIKELIHOODS, FEATURES)[:1], rtol=1e-5)


def test_together_a_library_that_is_sure_can_outweigh_naive_bayes():
    other = np.array([[0, 1, 0]], np.float32)
    ensemble = Ensemble(sharpness=0.1, py3langid=1.0)
    assert ensemble.together(LIKELIHOODS[:1], FEATURES[:1], other, other).argmax() == 1


def test_save_ensemble_is_read_as_it_was(tmp_path):
    ensemble = Ensemble(1.5, 0.25, 0.5, 0.4, 0.1)
    save_ensemble(ensemble, tmp_path / "ensemble.json")
    assert load_ensemble(tmp_path / "ensemble.json") == ensemble
