"""The one door to numba: a typed decorator for the functions that must be fast.

A compiled function takes and returns primitives and arrays only. It releases the interpreter lock while it runs, so a
step can be computed in a thread beside the event loop, and its machine code is cached on disk. With the environment
variable NUMBA_DISABLE_JIT=1 the same functions run as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """`function` as machine code; same arguments, same answer."""
    return cast(F, njit(nogil=True, cache=True)(function))


def floats(values: tuple[float, ...] | Floats) -> Floats:
    """Numbers as a contiguous array of float64; an array stays as it is."""
    return np.ascontiguousarray(values, dtype=np.float64)
