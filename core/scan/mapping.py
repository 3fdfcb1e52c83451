"""Decides how tiles become maps without the device ever waiting while there is work.

Three stages overlap: threads read and prepare tiles (`core.scan.reading_ahead`), one thread submits them to the model in
batches, and whoever asks for the results collects them. Batches are cut from the tiles in their order, never by what
happens to be read, so that the same tiles give the same results. A scan that goes on cuts them from what is left: where
rounding depends on the batch, as on GPUs, its scores may differ in their last digits.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from core.compute_memory import TooLittleMemoryError, free_memory, is_out_of_memory, memory_told
from core.errors import CancelledError
from core.jobs import CancelToken
from core.models.base import Model
from core.scan.channel import Channel
from core.scan.plan import ScanPlan
from core.scan.progress import BusyClock
from core.scan.reading import TileSource
from core.scan.reading_ahead import ReadAhead, reader_threads
from core.tiling import Tile

Array = np.ndarray

_SUBMITTED_BATCHES = 2  # for each device: one that computes, one that waits for it
_LOOK_S = 0.05


class TilePipeline:
    """Runs a model over tiles: `results` gives each tile with what the model said of it, in the order asked for.

    Close what `results` gives (`contextlib.closing`): that ends its threads.
    """

    def __init__(
        self, model: Model, plan: ScanPlan, source: TileSource, cancel: CancelToken, clock: BusyClock | None = None
    ) -> None:
        self._model, self._plan, self._source, self._cancel = model, plan, source, cancel
        self._clock = clock or BusyClock()
        self._batch = max(1, model.batch_tiles)

    def read(self, tile: Tile) -> Array:
        """The tile with its halo, (h, w, 3) uint8 at the model's scale."""
        return self._source.read(*self._plan.grid.model_box(tile, self._model.spec.halo_px))

    def results(self, tiles: Sequence[Tile]) -> Generator[tuple[Tile, Array]]:
        """Each tile with its map or its boxes, halo included.

        When a stage fails, or on cancelling, everything computed before comes first, then the error: CancelledError,
        ResourceError when memory runs out, what reading and the model raise.
        """
        computed: Channel[_Batch] = Channel(_SUBMITTED_BATCHES * self._model.devices)
        ahead = ReadAhead(self._prepared, tiles, reader_threads(self._model.device), self._batch)
        computing = threading.Thread(
            target=self._compute, args=(ahead, computed), name="schliff-scan-compute", daemon=True
        )
        computing.start()
        try:
            with memory_told(self._model.device, self._model.spec.id):
                for batch in computed:
                    yield from zip(batch.tiles, self._collect(batch), strict=True)
                    computed.done()
        finally:
            computed.stop()
            ahead.stop()
            computing.join()

    def _prepared(self, tile: Tile) -> Any:
        return self._model.prepare(self.read(tile))

    def _collect(self, batch: _Batch) -> list[Array]:
        with self._clock.busy():
            return self._model.collect(batch.pending)

    # -- in the computing thread -----------------------------------------------------------------------------------

    def _compute(self, ahead: ReadAhead, computed: Channel[_Batch]) -> None:
        try:
            while taken := ahead.take(self._batch, lambda: self._go_on(computed)):
                self._hold_while_paused(computed)
                self._submit([tile for tile, _ in taken], [one for _, one in taken], computed)
                del taken
            computed.finish()
        except BaseException as error:
            computed.finish(error)

    def _go_on(self, computed: Channel[_Batch]) -> None:
        """Raises CancelledError or StoppedError where nobody wants more."""
        computed.check()
        if self._cancel.cancelled:
            raise CancelledError()

    def _hold_while_paused(self, computed: Channel[_Batch]) -> None:
        while self._cancel.paused and not computed.wait_stopped(_LOOK_S):
            pass
        self._go_on(computed)

    def _submit(self, tiles: Sequence[Tile], prepared: Sequence[Any], computed: Channel[_Batch]) -> None:
        """Halves the batch where it takes too much memory, for good; one tile is tried once more by itself."""
        pending = self._try(prepared)
        if pending is _TOO_LARGE:
            computed.wait_empty()  # what is not collected yet holds memory too
            free_memory()
            if len(prepared) > 1:
                self._batch = half = (len(prepared) + 1) // 2
                self._submit(tiles[:half], prepared[:half], computed)
                self._submit(tiles[half:], prepared[half:], computed)
                return
            pending = self._try(prepared)
            if pending is _TOO_LARGE:
                raise TooLittleMemoryError(self._model.device, self._model.spec.id)
        computed.put(_Batch(tiles, pending))

    def _try(self, prepared: Sequence[Any]) -> Any:
        """What the model gives for `collect`, or `_TOO_LARGE`. The error is gone then, and with it the tensors it holds."""
        try:
            with self._clock.busy():
                return self._model.submit(prepared)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return _TOO_LARGE


_TOO_LARGE = object()


class _Batch:
    """Tiles that were submitted together, and what the model wants for collecting them."""

    def __init__(self, tiles: Sequence[Tile], pending: Any) -> None:
        self.tiles, self.pending = tiles, pending
