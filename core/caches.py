"""Decides what is forgotten when memory is full (what was used longest ago) and that nothing is made twice at once.

How large a cache may be is for `core.memory`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Generic, TypeVar

import numpy as np

from core.memory import share

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Array = np.ndarray

PASSING_SHARE = 0.15  # of a cache, always there for parts that are needed only in passing


class ByteCache(Generic[K, V]):
    """Least-recently-used, bounded in bytes. An item larger than the budget is not kept. Not thread-safe by itself."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.used = 0
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: K) -> bool:
        return key in self._items

    def get(self, key: K) -> V | None:
        """The item, now the most recently used."""
        found = self._items.get(key)
        if found is None:
            return None
        self._items.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        self.drop(key)
        if size > self.budget:
            return
        self._items[key] = (value, size)
        self.used += size
        self.shrink(self.budget)

    def shrink(self, size: int) -> None:
        """Forgets until at most `size` bytes are used; the budget stays."""
        while self.used > size:
            _, (_, freed) = self._items.popitem(last=False)
            self.used -= freed

    def drop(self, key: K) -> None:
        found = self._items.pop(key, None)
        if found is not None:
            self.used -= found[1]

    def in_order(self) -> tuple[K, ...]:
        """Least recently used first."""
        return tuple(self._items)

    def clear(self) -> None:
        self._items.clear()
        self.used = 0


class DecodedCache:
    """Decoded parts of files, shared by all threads. Keys begin with their owner, so that an owner can be forgotten.

    Two threads that want the same part make it once: the second one waits for the first.
    """

    def __init__(self, budget: int) -> None:
        self._state = threading.Condition()
        self._budget, self._least_passing = budget, int(budget * PASSING_SHARE)
        self._passing: ByteCache[tuple[Hashable, ...], Array] = ByteCache(self._least_passing)
        self._items: ByteCache[tuple[Hashable, ...], Array] = ByteCache(budget - self._least_passing)
        self._in_work: set[tuple[Hashable, ...]] = set()

    def peek(self, key: tuple[Hashable, ...]) -> Array | None:
        """The part if it is there, without making it."""
        with self._state:
            return self._found(key)

    def get(self, key: tuple[Hashable, ...], make: Callable[[], Array]) -> Array:
        """The part; made by `make`, in this thread, where it isn't there. Don't write into it."""
        with self._state:
            while True:
                found = self._found(key)
                if found is not None:
                    return found
                if key not in self._in_work:
                    break
                self._state.wait()
            self._in_work.add(key)
        try:
            made = make()
        except BaseException:
            self._done(key, None)
            raise
        self._done(key, made)
        return made

    def _done(self, key: tuple[Hashable, ...], made: Array | None) -> None:
        with self._state:
            self._in_work.discard(key)
            if made is not None and _thread.passing:
                self._keep_passing(key, made)
            elif made is not None:
                self._items.put(key, made, made.nbytes)
                self._passing.shrink(max(self._least_passing, self._budget - self._items.used))
            self._state.notify_all()

    def _keep_passing(self, key: tuple[Hashable, ...], made: Array) -> None:
        """In what nobody else uses. One part may always take half: a stripe that is not kept is decoded for every read."""
        free = self._budget - self._items.used
        self._passing.budget = max(self._least_passing, free, min(made.nbytes, self._budget // 2))
        self._passing.put(key, made, made.nbytes)
        self._items.shrink(self._budget - self._passing.used)

    def _found(self, key: tuple[Hashable, ...]) -> Array | None:
        found = self._items.get(key)
        return found if found is not None else self._passing.get(key)

    def forget(self, owner: Hashable) -> None:
        """Drops everything whose key begins with `owner`."""
        with self._state:
            for kept in (self._items, self._passing):
                for key in kept.in_order():
                    if key[0] == owner:
                        kept.drop(key)


@contextmanager
def reading_through() -> Iterator[None]:
    """For a thread that reads a whole file once: what it decodes must not drive out what is being looked at."""
    before, _thread.passing = _thread.passing, True
    try:
        yield
    finally:
        _thread.passing = before


class _Thread(threading.local):
    passing = False


_thread = _Thread()


@cache
def decoded_parts() -> DecodedCache:
    """The one cache of decoded file parts in this process."""
    return DecodedCache(share("decoded"))
