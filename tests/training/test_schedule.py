"""Learning rate and budget."""

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from pipeline.training import schedule
from pipeline.training.schedule import Budget, Progress, rate_factor


@pytest.mark.parametrize(
    ("done", "expected"), [(0.0, 0.01), (0.05, 0.5), (0.1, 1.0), (0.55, 0.5), (1.0, 0.0)]
)
def test_rate_factor_warms_up_then_falls(done, expected):
    assert rate_factor(done, 0.1) == pytest.approx(expected)


def test_rate_factor_without_warmup_starts_at_the_peak():
    assert rate_factor(0.0, 0.0) == 1.0


def test_budget_counts_whichever_is_further_on(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(schedule.time, "monotonic", lambda: now[0])
    budget = Budget(max_steps=10, max_minutes=1)
    assert budget.share_done(0) == 0.0
    assert budget.share_done(2) == pytest.approx(0.2)
    now[0] += 30
    assert budget.share_done(2) == pytest.approx(0.5)
    now[0] += 300
    assert budget.share_done(2) == 1.0


def test_budget_of_a_training_that_resumes_has_spent_what_it_had_before(monkeypatch, tmp_path):
    now = [100.0]
    monkeypatch.setattr(schedule.time, "monotonic", lambda: now[0])
    first = Budget(max_steps=10, max_minutes=1)
    first.share_done(0)
    now[0] += 30
    first.save(tmp_path)
    now[0] += 1000
    second = Budget(max_steps=10, max_minutes=1)
    second.restore(tmp_path)
    assert second.share_done(0) == pytest.approx(0.5)


@pytest.mark.parametrize(("seconds", "due"), [(0.0, True), (1e9, False)])
def test_progress_asks_for_figures_once_they_are_due(tmp_path, seconds, due):
    control = TrainerControl()
    progress = Progress(seconds)
    progress.on_step_end(TrainingArguments(tmp_path, report_to="none"), TrainerState(), control)
    assert control.should_log is due
