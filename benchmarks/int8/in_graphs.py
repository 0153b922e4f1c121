"""The layer in runtimes of their own: OpenVINO and ONNX Runtime.

Enters: linear layers, a number of threads. Leaves: a callable from hidden states to the layer's
outputs, which are read before the next call writes over them. What holds: the graph takes any
number of tokens; tensors are shared with torch, not copied, as far as the runtime lets them be.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from benchmarks.int8.in_torch import float32
from benchmarks.int8.layer import HIDDEN, OUTPUTS, PRODUCTS, Linears, chained, hidden_states

if TYPE_CHECKING:
    import onnx
    import openvino

Run = Callable[[Tensor], tuple[Tensor, ...]]

_GROUP = 384
"""Inputs of a row that share a scale in OpenVINO, which knows one size for all products: the
greatest that divides them all."""
_BLOCK = 128
"""Inputs that share a scale in ONNX Runtime's MatMulNBits."""


def openvino_int8(linears: Linears, threads: int) -> Run:
    """8-bit weights; inputs are rounded on the way, by row and ``_GROUP``."""
    import openvino
    from openvino import opset15 as ops

    hidden = ops.parameter([-1, HIDDEN], np.float32)
    outputs = chained(lambda name, own: _openvino_product(linears, name, own), hidden)
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP,
        # Otherwise bfloat16, where the machine has it.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    model = openvino.Model(list(outputs), [hidden])
    request = openvino.compile_model(model, "CPU", settings).create_infer_request()

    def run(hidden: Tensor) -> tuple[Tensor, ...]:
        found = request.infer([hidden.numpy()], share_inputs=True, share_outputs=True)
        return tuple(torch.from_numpy(found[place]) for place in range(len(OUTPUTS)))

    return run


def onnx_int8(linears: Linears, threads: int) -> Run:
    """ONNX Runtime's dynamic quantization: a scale for all inputs of a product together."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        quantize_dynamic(_exported(linears), path, weight_type=QuantType.QInt8, per_channel=True)
        return _session(path.read_bytes(), threads)


def onnx_blocks(linears: Linears, threads: int) -> Run:
    """ONNX Runtime's product for 8-bit weights in blocks: a scale for each row and ``_BLOCK``."""
    from onnxruntime.quantization.matmul_nbits_quantizer import (
        DefaultWeightOnlyQuantConfig,
        MatMulNBitsQuantizer,
    )
    from onnxruntime.quantization.onnx_model import ONNXModel

    model = ONNXModel(_exported(linears))
    model.replace_gemm_with_matmul()
    # Level 4 is for inputs of 8 bits.
    how = DefaultWeightOnlyQuantConfig(
        block_size=_BLOCK, is_symmetric=True, accuracy_level=4, bits=8
    )
    quantizer = MatMulNBitsQuantizer(model.model, algo_config=how)
    quantizer.process()
    return _session(quantizer.model.model.SerializeToString(), threads)


def _openvino_product(linears: Linears, name: str, hidden: "openvino.Node") -> "openvino.Node":
    """Integers and scales beside each other, which the plugin takes for a product of int8."""
    from openvino import opset15 as ops

    weight, bias = linears[name].weight.numpy(), linears[name].bias.numpy()
    scales = np.abs(weight).max(1, keepdims=True) / 127
    rounded = ops.constant(np.round(weight / scales).astype(np.int8))
    scaled = ops.multiply(ops.convert(rounded, np.float32), ops.constant(scales))
    product = ops.add(ops.matmul(hidden, scaled, False, True), ops.constant(bias[None]))
    return ops.gelu(product, "ERF") if PRODUCTS[name].gelu else product


def _exported(linears: Linears) -> "onnx.ModelProto":
    tokens = torch.export.Dim("tokens")
    program = torch.onnx.export(
        float32(linears),
        (hidden_states(16),),
        dynamic_shapes={"hidden": {0: tokens}},
        dynamo=True,
        verbose=False,
    )
    return program.model_proto


def _session(model: bytes, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    (entry,) = session.get_inputs()

    def run(hidden: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(torch.from_numpy, session.run(None, {entry.name: hidden.numpy()})))

    return run
