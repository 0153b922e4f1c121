"""All ways to compute the layer, by name.

Enters: nothing. Leaves: ``SIDES``. What holds: a side is made from float32 weights by one call, and
says which packages that takes beside torch; one that lacks any is left out with a word on how to
get it.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from benchmarks.int8 import in_graphs, in_torch
from benchmarks.int8.in_graphs import Run
from benchmarks.int8.layer import Linears

BASE = "fp32 torch"
"""What all are compared with."""
OWN = "int8 own"

_ONNX = ("onnxruntime", "onnx", "onnxscript", "ml_dtypes")


@dataclass(frozen=True)
class Side:
    """``make`` gets the weights and a number of threads, ``packages`` have the names of modules."""

    make: Callable[[Linears, int], Run]
    packages: tuple[str, ...] = ()
    compiler: bool = False

    def lacks(self) -> str | None:
        """What to do to have it; None if it can be made."""
        missing = [name for name in self.packages if find_spec(name) is None]
        if missing:
            return f"pip install {' '.join(missing)}"
        if self.compiler and shutil.which(os.environ.get("CXX", "g++")) is None:
            return "install g++, or set CXX to another compiler of C++"
        return None


SIDES = {
    BASE: Side(lambda linears, _: in_torch.float32(linears)),
    "fp32 oneDNN": Side(lambda linears, _: in_torch.float32_onednn(linears)),
    "bf16 torch": Side(lambda linears, _: in_torch.bfloat16(linears)),
    "int8 torch.ao, x86": Side(lambda linears, _: in_torch.int8_torch(linears, "x86")),
    "int8 torch.ao, fbgemm": Side(lambda linears, _: in_torch.int8_torch(linears, "fbgemm")),
    "int8 torch.ao, onednn": Side(lambda linears, _: in_torch.int8_torch(linears, "onednn")),
    "int8 ONNX Runtime, dynamic": Side(in_graphs.onnx_int8, _ONNX),
    "int8 ONNX Runtime, blocks": Side(in_graphs.onnx_blocks, _ONNX),
    "int8 torchao": Side(lambda linears, _: in_torch.int8_torchao(linears), ("torchao",)),
    "int8 torchao, compiled": Side(
        lambda linears, _: in_torch.compiled(in_torch.int8_torchao(linears)),
        ("torchao",),
        compiler=True,
    ),
    "int8 OpenVINO": Side(in_graphs.openvino_int8, ("openvino",)),
    OWN: Side(lambda linears, _: in_torch.int8_own(linears)),
    "int8 own, compiled": Side(
        lambda linears, _: in_torch.compiled(in_torch.int8_own(linears)), compiler=True
    ),
}
