"""What a training leaves behind: its curves, its request, its name; and what it is expected to cost."""

from __future__ import annotations

import json
import signal

import pytest

from app.cli import main
from core.errors import CancelledError, InputError, UsageError
from core.jobs import CancelToken, Step
from core.models.catalog import read_model_folder
from core.train import cost
from core.train.base import TrainStep
from core.train.cost import Cost, cheaper, estimate_cost
from core.train.curves import KEPT_NAME, Curves, CurveWriter, curves_of_model, curves_so_far
from core.train.naming import folder_name, free_name, new_folder
from core.train.request import TrainRequest
from core.train.running import discard, run_training, unfinished_in
from tests.training_support import CHECKPOINT, SPEC, card_of, write_images, write_trainer


@pytest.fixture(autouse=True)
def toy_trainer(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_trainer(tmp_path / "plugin")))


@pytest.fixture
def request_of(tmp_path):
    data = write_images(tmp_path / "data", chip=4, pore=4)
    return lambda name="m", **settings: TrainRequest("a_toy", data, tmp_path / "models" / name, settings, 0, "cpu")


def cancelled_at(done):
    token = CancelToken()

    def progress(step: Step) -> None:
        if step.done >= done:
            token.cancel()

    return {"progress": progress, "cancel": token}


def test_curves_stay_with_the_model(request_of):
    asked = request_of(steps=25)
    run_training(asked)
    spec = read_model_folder(asked.out)
    curves = curves_of_model(spec.path, spec.card)
    assert curves.names == ["loss", "macro_f1"]
    assert curves.points("macro_f1") == ([10, 20], [0.4, 0.8])
    assert curves.last_step == 25
    assert unfinished_in(asked.out.parent) == []


def test_after_a_break_the_later_of_two_counts(request_of):
    asked = request_of(steps=25)
    with pytest.raises(CancelledError):
        run_training(asked, **cancelled_at(14))
    assert unfinished_in(asked.out.parent) == [asked]
    run_training(asked)
    at, _ = Curves(curves_so_far(asked.out)).points("loss")
    assert at == []  # they are kept under another name now
    at, values = curves_of_model(asked.out, {}).points("loss")
    assert at == list(range(1, 26))
    assert values[10] == pytest.approx(1 / 11)


def test_curves_of_a_card_and_of_broken_lines(tmp_path):
    history = [{"epoch": 1, "loss": 0.5, "note": "x"}, "nonsense", {"epoch": 2, "loss": 0.25}, {"loss": 3}]
    curves = curves_of_model(None, {"training": {"history": history}})
    assert (curves.unit, curves.points("loss")) == ("epoch", ([1, 2], [0.5, 0.25]))
    line = json.dumps({"done": 5, "total": 9, "figures": {"loss": 1}, "phase": ""})
    for bad in ("{", "[]", '{"done": 1}', '{"done": 1, "total": 2, "figures": {"a": "b"}, "phase": ""}'):
        (tmp_path / KEPT_NAME).write_text(f"{line}\n{bad}\n{line}\n")
        assert curves_of_model(tmp_path, {}).points("loss") == ([5], [1.0])
    for card in ({}, {"training": 3}, {"training": {"history": {"a": 1}}}, {"training": {"history": [{"step": "x"}]}}):
        assert curves_of_model(None, card).names == []


def test_phases_have_curves_of_their_own():
    curves = Curves([TrainStep(1, 2, "", {"loss": v}, f"fold {v}") for v in (1, 2)])
    assert curves.phases("loss") == ["fold 1", "fold 2"]
    assert curves.last("loss") == 2


def test_discarding_leaves_what_is_somebody_elses(request_of):
    asked = request_of(steps=30)
    with pytest.raises(CancelledError):
        run_training(asked, **cancelled_at(12))
    assert (asked.out / CHECKPOINT).is_file()
    (asked.out / "notes.txt").write_text("mine")
    discard(asked.out)
    assert [path.name for path in asked.out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("typed", "made"), [("Poren, grob (2)", "poren-grob-2"), ("Löcher", "locher"), ("a/../b", "a-..-b"), ("x" * 99, "x" * 64)]
)  # fmt: skip
def test_a_name_becomes_a_folder(typed, made):
    assert folder_name(typed) == made


@pytest.mark.parametrize("typed", ["", " ", "…", "../", "NUL", "com1.txt", "漢字"])
def test_a_name_that_gives_no_folder(typed, tmp_path):
    with pytest.raises(UsageError):
        new_folder(typed, tmp_path)
    assert free_name(typed, tmp_path) in ("", f"{typed} 2")


def test_a_taken_name(tmp_path):
    (tmp_path / "pores").mkdir()
    for name in ("Pores", "chips"):
        with pytest.raises(UsageError, match="already"):
            new_folder(name, tmp_path, ["chips"])
    assert free_name("pores", tmp_path, ["pores-2"]) == "pores 3"


# -- cost ------------------------------------------------------------------------------------------------------------


def test_a_cost_is_near_what_is_known_of_the_steps(request_of):
    """The toy sleeps 20 ms at each of 5,000 steps: 100 s, or more on a busy machine, and it is begun only."""
    told = estimate_cost(request_of(steps=5_000, pause_s=0.02))
    assert told.seconds is not None
    assert told.seconds >= 100
    assert 10 <= told.steps < 100
    assert (told.total, told.device, told.validated) == (5_000, "cpu", True)
    assert "this computer (processor)" in told.text
    assert not request_of().out.exists()


def test_a_short_training_costs_what_it_took(request_of):
    told = estimate_cost(request_of(steps=5))
    assert (told.steps, told.total) == (4, 5)
    assert told.seconds is not None
    assert told.seconds > 0


def test_a_cost_can_be_broken_off_and_tells_what_is_wrong(request_of, tmp_path):
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        estimate_cost(request_of(), cancel=token)
    with pytest.raises(UsageError, match="nicely"):
        estimate_cost(request_of(refuses=True))
    with pytest.raises(InputError):
        estimate_cost(TrainRequest("a_toy", tmp_path / "none", tmp_path / "m"))


def test_preparing_that_takes_too_long_is_said(request_of, monkeypatch):
    monkeypatch.setattr(cost, "LIMIT_S", 0.2)
    told = estimate_cost(request_of(steps=100_000, pause_s=1.0))
    assert told.seconds is None
    assert "Preparing alone" in told.text


def test_cheaper_settings_only_where_it_takes_hours_on_a_processor():
    long, short = Cost(9_000, 10, 100, True, "cpu"), Cost(60, 10, 100, True, "cpu")
    assert cheaper(long, SPEC, {}) == {"steps": 20}
    assert cheaper(long, SPEC, {"steps": 20}) == {}
    assert cheaper(short, SPEC, {}) == cheaper(Cost(9_000, 10, 100, True, "cuda"), SPEC, {}) == {}


def test_the_command_line_tells_the_cost_and_how_to_go_on(request_of, capsys, monkeypatch):
    asked = request_of()
    words = ["train", "a_toy", "--data", str(asked.data), "--out", str(asked.out), "--device", "cpu"]
    assert main([*words, "--set", "steps=5", "--cost"]) == 0
    assert "this computer (processor)" in capsys.readouterr().out
    assert not asked.out.exists()
    assert main([*words, "--set", "steps=5", "--cost", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lighter"] == {}
    with monkeypatch.context() as patch:
        patch.setattr(CurveWriter, "step", lambda writer, step: signal.raise_signal(signal.SIGINT))
        assert main([*words, "--set", "steps=5"]) == CancelledError.exit_code
    assert "Give the same command again to go on." in capsys.readouterr().err
    assert unfinished_in(asked.out.parent)[0].settings == {"steps": "5"}


def test_a_card_of_the_toy_is_one(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(card_of("toy")))
    assert read_model_folder(tmp_path).id == "toy"
