"""What two processes tell each other: messages come out as they went in, and nothing else is taken for one."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import Detection
from core.errors import CancelledError, InputError, ResourceError, UsageError
from core.geometry import Box
from core.jobs import Step
from core.scan.options import ScanStep
from core.worker.messages import (
    array_from_json,
    array_to_json,
    error_from_json,
    error_to_json,
    step_from_json,
    step_to_json,
)
from core.worker.pipe import Pipe, PipeError


@pytest.fixture
def ends():
    """The pipe that is tested, and the raw end that writes to it."""
    (read, write), (unread, sink) = os.pipe(), os.pipe()
    with os.fdopen(write, "wb", 0) as writer:
        pipe = Pipe(os.fdopen(read, "rb"), os.fdopen(sink, "wb"), longest=200)
        yield pipe, writer
        pipe.close()
        os.close(unread)


def looped() -> Pipe:
    read, write = os.pipe()
    return Pipe(os.fdopen(read, "rb"), os.fdopen(write, "wb"))


def test_messages_arrive_in_order_with_paths_and_numpys_numbers_as_plain_values():
    pipe = looped()
    pipe.send({"id": 1, "kind": "a", "value": [np.float32(0.5), np.int64(3), Path("/x")]})
    pipe.send({"id": 2, "kind": "b", "value": "ü\n"})
    assert pipe.receive() == {"id": 1, "kind": "a", "value": [0.5, 3, "/x"]}
    assert pipe.receive() == {"id": 2, "kind": "b", "value": "ü\n"}
    pipe.close()


@pytest.mark.parametrize("line", [b"hello\n", b"\xff\xfe\n", b"[1, 2]\n", b"{}\n", b'{"id": 1}\n', b"x" * 201, b"\n"])
def test_what_is_no_message_is_not_taken_for_one(ends, line):
    pipe, writer = ends
    writer.write(line)
    with pytest.raises(PipeError):
        pipe.receive()


@pytest.mark.parametrize("rest", [b"", b'{"id": 1, "kin'])
def test_the_other_sides_end_is_an_end_even_in_the_midst_of_a_line(ends, rest):
    pipe, writer = ends
    writer.write(rest)
    writer.close()
    assert pipe.receive() is None


def test_what_is_too_long_is_not_sent(ends):
    with pytest.raises(PipeError):
        ends[0].send({"id": 1, "kind": "a", "value": "x" * 200})


numbers = st.floats(0, 1e9)


@given(st.builds(Box, numbers, numbers, numbers, numbers), st.floats(), st.text())
def test_a_detection_survives(box, score, note):
    pipe = looped()
    detection = Detection(1, 2, "s-1", "toy", "pore", score, box, 3.5, 50.0, "defect", note)
    pipe.send({"id": 1, "kind": "found", "value": asdict(detection)})
    message = pipe.receive()
    pipe.close()
    assert message is not None
    assert repr(Detection.from_plain(message["value"])) == repr(detection)  # nan equals nothing


@pytest.mark.parametrize("step", [Step(1, 2, "Looking"), ScanStep(3, 4, "Scanning", 1.5, None, 2.5, 0.9, "cuda:1", 7)])
def test_a_step_survives_as_what_it_was(step):
    assert step_from_json(step_to_json(step)) == step


def test_arrays_survive():
    for array in (np.zeros((3, 4, 3), np.uint8), np.random.default_rng(0).random((5, 7), np.float32)[:, ::2]):
        back = array_from_json(array_to_json(array))
        assert back is not None
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)
    assert array_from_json(array_to_json(None)) is None


@pytest.mark.parametrize("kind", [UsageError, InputError, CancelledError, ResourceError])
def test_errors_survive_with_their_class_and_all_they_say(kind):
    error = error_from_json(error_to_json(kind("it broke", path="/a/b", remedy="Mend it.")))
    assert type(error) is kind
    assert str(error) == "/a/b: it broke. Mend it."
    assert error.exit_code == kind.exit_code


def test_an_error_of_a_plug_in_comes_as_the_nearest_that_is_known():
    class TubeError(InputError):
        pass

    assert type(error_from_json(error_to_json(TubeError("no tube")))) is InputError


def test_errors_nobody_foresaw_keep_their_words_and_their_trace():
    try:
        raise KeyError("pore")
    except KeyError as raised:
        error = error_from_json(error_to_json(raised))
    assert str(error) == "KeyError: 'pore'"
    assert "test_worker_pipe.py" in error.__notes__[0]


def test_running_out_of_memory_is_named():
    error = error_from_json(error_to_json(MemoryError()))
    assert isinstance(error, ResourceError)
    assert "not enough memory" in str(error)
