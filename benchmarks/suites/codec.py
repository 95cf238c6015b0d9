"""Decoding alone: a body in memory becomes a value."""

from typing import Final

from benchmarks.payloads import SIZES
from benchmarks.ratio import Cell, Manner, Ratio, Variant

_OURS: Final = "benchmarks.ours"
_PEER: Final = "benchmarks.peers.decoders"

_ORJSON: Final = Variant("orjson.loads", f"{_PEER}:by_orjson", Manner.PLAIN)
_PYDANTIC: Final = Variant("pydantic", f"{_PEER}:by_pydantic", Manner.PLAIN)
_STATUS: Final = Variant("read_status", f"{_OURS}:decode_status", Manner.PLAIN)
_STATUS_JOBS: Final = Variant("read_status + jobs", f"{_OURS}:decode_status_and_jobs", Manner.PLAIN)
_TASK: Final = Variant("read_task", f"{_OURS}:decode_task", Manner.PLAIN)
_TASK_LOOK: Final = Variant("read_task + states", f"{_OURS}:decode_task_and_look", Manner.PLAIN)
_TASK_WHOLE: Final = Variant("read_task + everything", f"{_OURS}:decode_task_whole", Manner.PLAIN)

_BODY_KEPT: Final = Variant("body", f"{_OURS}:body_alone", Manner.KEPT)
_ORJSON_KEPT: Final = Variant("orjson.loads kept", f"{_PEER}:by_orjson", Manner.KEPT)
_STATUS_KEPT: Final = Variant("status kept", f"{_OURS}:decode_status", Manner.KEPT)
_STATUS_JOBS_KEPT: Final = Variant("status + jobs kept", f"{_OURS}:decode_status_and_jobs", Manner.KEPT)
_TASK_KEPT: Final = Variant("task kept", f"{_OURS}:decode_task", Manner.KEPT)


def _over(ours: Variant, peer: Variant, document: str) -> Ratio:
    return Ratio(f"{ours.name} / {peer.name}, {document}", Cell(ours, document), Cell(peer, document))


RATIOS: Final = (
    *(_over(_STATUS, _ORJSON, f"{size} running") for size in SIZES),
    *(_over(_STATUS_JOBS, _ORJSON, f"{size} running") for size in SIZES),
    *(_over(_STATUS, _ORJSON, f"{size} passed") for size in SIZES),
    *(_over(_TASK, _ORJSON, f"{size} running") for size in SIZES),
    *(_over(_TASK_LOOK, _ORJSON, f"{size} running") for size in SIZES),
    *(_over(_TASK_WHOLE, _ORJSON, f"{size} running") for size in SIZES),
    *(_over(_TASK_LOOK, _PYDANTIC, f"{size} running") for size in SIZES),
    *(_over(_STATUS_KEPT, _BODY_KEPT, f"{size} running") for size in SIZES),
    *(_over(kept, _BODY_KEPT, "30 KB running") for kept in (_STATUS_JOBS_KEPT, _TASK_KEPT, _ORJSON_KEPT)),
)
