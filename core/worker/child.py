"""Decides how a worker process lives: it takes orders from its pipe one by one, keeps no more memory than it needs while it
waits for the next one, and ends when nobody gives any more.

The pipe is what was stdin and stdout when it started. Nothing else gets hold of them: whatever prints to stdout, native
libraries too, prints to stderr instead.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from core.compute_process import give_back_memory
from core.jobs import CancelToken
from core.worker.messages import Json, error_to_json
from core.worker.pipe import Message, Pipe, PipeError

# How long a task may take to stop once nobody listens; projects stand being killed.
LEAVE_S = 5.0

Tell = Callable[[str, Json], None]
Task = Callable[[Json, Tell, CancelToken], Json]


def main() -> int:
    """Serves until the pipe is closed. Doesn't return: what torch does at exit takes seconds and is of no use."""
    pipe = _private_pipe()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C goes to the whole group; the parent decides
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    faulthandler.enable()
    from core.worker.tasks import TASKS

    Child(pipe, TASKS).serve()
    logging.shutdown()
    os._exit(0)


def _private_pipe() -> Pipe:
    reader, writer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.stderr is None:  # a program without a console
        sys.stderr = os.fdopen(2, "w", closefd=False)
    if sys.stdout is None:
        sys.stdout = sys.stderr
    return Pipe(os.fdopen(reader, "rb"), os.fdopen(writer, "wb"))


@dataclass(frozen=True)
class _Order:
    number: int
    task: str
    given: Json
    cancel: CancelToken


class Child:
    """Carries out orders in the calling thread and listens in another."""

    def __init__(self, pipe: Pipe, tasks: dict[str, Task]) -> None:
        self._pipe, self._tasks = pipe, tasks
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._cancels: dict[int, CancelToken] = {}

    def serve(self) -> None:
        """Returns when the parent has gone and what ran for it has stopped."""
        threading.Thread(target=self._listen, name="worker-listening", daemon=True).start()
        while (order := self._orders.get()) is not None:
            with suppress(OSError):  # nobody is there to hear of it
                self._pipe.send(self._carry_out(order))
            self._cancels.pop(order.number, None)
            del order  # and with it whatever was given
            gc.collect()
            give_back_memory()

    def _carry_out(self, order: _Order) -> Message:
        """What is said at the order's end."""

        def tell(kind: str, value: Json) -> None:
            self._pipe.send({"id": order.number, "kind": kind, "value": value})

        try:
            result = self._tasks[order.task](order.given, tell, order.cancel)
            return {"id": order.number, "kind": "result", "value": result}
        except Exception as error:
            return {"id": order.number, "kind": "error", "value": error_to_json(error)}

    # -- in the listening thread -------------------------------------------------------------------

    def _listen(self) -> None:
        try:
            while (message := self._pipe.receive()) is not None:
                self._heard(message)
        except (PipeError, KeyError, OSError) as error:
            logging.getLogger(__name__).error("the pipe is broken: %s", error)
        self._leave()

    def _heard(self, message: Message) -> None:
        number, kind = message["id"], message["kind"]
        if kind == "do":
            cancel = self._cancels[number] = CancelToken()
            self._orders.put(_Order(number, message["task"], message["value"], cancel))
        elif number in self._cancels:
            controls: dict[str, Any] = {
                "cancel": CancelToken.cancel,
                "pause": CancelToken.pause,
                "go_on": CancelToken.go_on,
            }
            controls[kind](self._cancels[number])

    def _leave(self) -> None:
        """The parent has gone: nothing runs on without it."""
        for cancel in list(self._cancels.values()):
            cancel.cancel()
        self._orders.put(None)
        end = threading.Timer(LEAVE_S, os._exit, [1])
        end.daemon = True
        end.start()
