"""The process that may crash: parses booster texts with LightGBM's own library and predicts the golden rows.

Run by path, `python -I -S canary_child.py`, and it imports the standard library only: it starts in 30 ms, where
`import lightgbm`, which brings scikit-learn and pandas, takes a second and a half. Input and output are JSON: a job
on standard input, one line per booster on standard output, so that the parent knows which one it died of.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import resource
import sys

# LightGBM's C API: data in float64, raw scores. Its buffer of parameters grows with the text, which is checked before.
_FLOAT64, _RAW_SCORE = 1, 1
_PARAMETERS = 1 << 20


def main() -> int:
    """Answer the job {library, seconds, bytes, rows, boosters}; a text that LightGBM refuses ends it with 1."""
    job = json.load(sys.stdin)
    _limit(job["seconds"], job["bytes"])
    library = ctypes.CDLL(job["library"])
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    width = len(job["rows"][0])
    cells = [float("nan") if value is None else value for row in job["rows"] for value in row]
    matrix = (ctypes.c_double * len(cells))(*cells)
    for target, text in job["boosters"].items():
        answer = _log_odds(library, text.encode(), matrix, width)
        sys.stdout.write(json.dumps({target: answer}) + "\n")
        sys.stdout.flush()
    return 0


def _limit(seconds: int, size: int) -> None:
    """Bounds on processor time and memory; no file may be written, no core dumped."""
    bounds = {resource.RLIMIT_CPU: seconds, resource.RLIMIT_AS: size, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    for kind, bound in bounds.items():
        _, hard = resource.getrlimit(kind)
        least = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        # macOS refuses a bound on the address space.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (least, least))


def _log_odds(library: ctypes.CDLL, text: bytes, matrix: ctypes.Array[ctypes.c_double], width: int) -> list[float]:
    booster, count, length = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int64()
    _require(library, library.LGBM_BoosterLoadModelFromString(text, ctypes.byref(count), ctypes.byref(booster)))
    # LightGBM's Python package does the same when it parses a text.
    buffer = ctypes.create_string_buffer(_PARAMETERS)
    size = ctypes.c_int64(_PARAMETERS)
    _require(library, library.LGBM_BoosterGetLoadedParam(booster, size, ctypes.byref(length), buffer))
    json.loads(buffer.value)
    rows = len(matrix) // width
    scores = (ctypes.c_double * rows)()
    shape = (ctypes.c_int(_FLOAT64), ctypes.c_int32(rows), ctypes.c_int32(width), ctypes.c_int(1))
    whole = (ctypes.c_int(_RAW_SCORE), ctypes.c_int(0), ctypes.c_int(-1), b"num_threads=1 verbosity=-1")
    answer = (ctypes.byref(length), scores)
    _require(library, library.LGBM_BoosterPredictForMat(booster, matrix, *shape, *whole, *answer))
    if length.value != rows:
        raise SystemExit("one score per row was expected")
    return list(scores)


def _require(library: ctypes.CDLL, code: int) -> None:
    if code != 0:
        raise SystemExit(library.LGBM_GetLastError().decode(errors="replace"))


if __name__ == "__main__":
    sys.exit(main())
