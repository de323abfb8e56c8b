# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tensors without elements, wherever the specification allows a size of 0: batches of nothing, lists of no detections."""
import numpy as np

F = np.float32
UNARY = ("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Elu", "Erf", "Exp",
         "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "LogSoftmax", "Mish", "Neg", "Reciprocal",
         "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus", "Softsign", "Sqrt", "Tan",
         "Tanh", "ThresholdedRelu")
BINARY = ("Add", "Div", "Max", "Mean", "Min", "Mod", "Mul", "Pow", "PRelu", "Sub", "Sum")
TRUTH = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")


def nothing(*shape, dtype=F):
    assert 0 in shape
    return np.zeros(shape, dtype)


def some(*shape):
    return np.arange(1, 1 + int(np.prod(shape)), dtype=F).reshape(shape)


def elementwise(case):
    x = nothing(2, 0, 3)
    found = [case(op, "nothing", [x], opset=20) for op in UNARY]
    found += [case(op, "nothing", [x, nothing(2, 0, 3)], opset=13, **({"fmod": 1} if op == "Mod" else {})) for op in BINARY]
    found += [case(op, "nothing-and-one", [x, some(1)], opset=13, **({"fmod": 1} if op == "Mod" else {})) for op in BINARY]
    found += [case(op, "nothing", [x, x], ["bool"], opset=13) for op in TRUTH]
    truth = nothing(0, 2, dtype=np.bool_)
    found += [case(op, "nothing", [truth, truth], ["bool"], opset=13) for op in ("And", "Or", "Xor")]
    return found + [
        case("Not", "nothing", [truth], ["bool"], opset=13),
        case("IsNaN", "nothing", [x], ["bool"], opset=13),
        case("IsInf", "nothing", [x], ["bool"], opset=13),
        case("BitwiseAnd", "nothing", [nothing(0, dtype=np.int32), np.int32([3])], ["int32"], opset=18),
        case("Where", "nothing", [nothing(0, 1, dtype=np.bool_), some(3), some(1)], opset=16),
        case("Cast", "nothing", [x], ["int64"], opset=13, to=7),
        case("Clip", "bounds", [x, F(0), F(1)], opset=13),
        case("QuantizeLinear", "nothing", [x, F(0.5), np.int8(0)], ["int8"], opset=13),
        case("DequantizeLinear", "nothing", [nothing(0, 3, dtype=np.int8), some(3), nothing_zero()], opset=13, axis=1),
        case("CumSum", "nothing", [x, np.int64(1)], opset=14),
        case("Trilu", "nothing", [x], opset=14),
    ]


def nothing_zero():
    return np.zeros(3, np.int8)


def moving(case):
    x = nothing(2, 0, 3)
    return [
        case("Concat", "one-of-them", [some(2, 1, 3), x, some(2, 2, 3)], opset=13, axis=1),
        case("Concat", "all-of-them", [x, x], opset=13, axis=1),
        case("Concat", "along-another-axis", [x, x], opset=13, axis=0),
        case("Expand", "nothing", [nothing(1, 0), np.int64([3, 0])], opset=13),
        case("Expand", "to-nothing", [some(1, 2), np.int64([0, 2])], opset=13),
        case("Flatten", "nothing", [x], opset=13, axis=1),
        case("Gather", "no-indices", [some(3, 2), nothing(0, dtype=np.int64)], opset=13),
        case("Gather", "from-nothing", [nothing(3, 0), np.int64([2, 0])], opset=13),
        case("GatherElements", "no-indices", [some(3, 2), nothing(0, 2, dtype=np.int64)], opset=13),
        case("GatherND", "no-indices", [some(3, 2), nothing(0, 1, dtype=np.int64)], opset=13),
        case("OneHot", "no-indices", [nothing(0, dtype=np.int64), np.int64(3), F([0, 1])], opset=11),
        case("Pad", "nothing-becomes-constants", [nothing(0, 2), np.int64([1, 0, 1, 1]), F(7)], opset=13),
        case("Pad", "to-nothing", [some(2, 2), np.int64([-1, 0, -1, 0])], opset=13),
        case("Reshape", "nothing", [x, np.int64([0, -1])], opset=13, outputs=[nothing(2, 0)]),
        case("Reshape", "zero-kept", [nothing(0, 4), np.int64([0, 2, 2])], opset=13),
        case("Reshape", "zero-allowed", [nothing(4, 0), np.int64([0, 7])], opset=14, allowzero=1),
        case("Resize", "nothing", [nothing(0, 2, 3, 3), None, F([1, 1, 2, 2])], opset=13),
        case("ReverseSequence", "no-batch", [nothing(4, 0, 2), nothing(0, dtype=np.int64)], opset=10),
        case("ScatterElements", "no-updates", [some(3), nothing(0, dtype=np.int64), nothing(0)], opset=16),
        case("ScatterND", "no-updates", [some(3, 2), nothing(0, 1, dtype=np.int64), nothing(0, 2)], opset=16),
        case("Shape", "nothing", [x], ["int64"], opset=13),
        case("Size", "nothing", [x], ["int64"], opset=13),
        case("Slice", "to-nothing", [some(3, 2), np.int64([2]), np.int64([1]), np.int64([0])], opset=13),
        case("Slice", "of-nothing", [x, np.int64([0]), np.int64([9]), np.int64([1])], opset=13),
        case("Slice", "backwards-of-nothing", [x, np.int64([5]), np.int64([-9]), np.int64([1]), np.int64([-1])], opset=13),
        case("SpaceToDepth", "no-batch", [nothing(0, 1, 4, 4)], opset=13, blocksize=2),
        case("DepthToSpace", "no-batch", [nothing(0, 4, 2, 2)], opset=13, blocksize=2),
        case("Split", "nothing", [x], ["float32"] * 2, opset=13, axis=0),
        case("Split", "into-nothing", [some(3), np.int64([0, 3])], ["float32"] * 2, opset=13),
        case("Split", "nothing-into-parts", [x], ["float32"] * 3, opset=13, axis=1),
        case("Squeeze", "nothing", [nothing(1, 0), np.int64([0])], opset=13),
        case("Unsqueeze", "nothing", [nothing(0), np.int64([0])], opset=13),
        case("Tile", "no-times", [some(2, 2), np.int64([0, 2])], opset=13),
        case("Tile", "nothing", [nothing(0, 2), np.int64([3, 2])], opset=13),
        case("Transpose", "nothing", [x], opset=13, perm=[1, 2, 0]),
        case("ConstantOfShape", "nothing", [np.int64([0, 2])], opset=9),
        case("ConstantOfShape", "scalar", [nothing(0, dtype=np.int64)], opset=9),
        case("Range", "to-nothing", [np.int64(5), np.int64(5), np.int64(1)], ["int64"], opset=11),
        case("EyeLike", "nothing", [nothing(0, 3)], opset=9),
        case("CenterCropPad", "nothing-becomes-zeros", [nothing(0, 2), np.int64([2, 1])], opset=18,
             outputs=[np.zeros((2, 1), F)]),
    ]


def reducing(case):
    x = nothing(2, 0, 3)
    sums = ("ReduceSum", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceProd", "ReduceLogSum", "ReduceLogSumExp")
    values = {"ReduceProd": 1, "ReduceLogSum": -np.inf, "ReduceLogSumExp": -np.inf}
    found = [case(op, "of-nothing", [x, np.int64([1])], opset=18, keepdims=0,
                  outputs=[np.full((2, 3), values.get(op, 0), F)]) for op in sums]
    found += [case(op, "along-another-axis", [x, np.int64([0])], opset=18) for op in sums + ("ReduceMax", "ReduceMin")]
    # The neutral elements that the specification gives since version 20.
    found += [
        case("ReduceMax", "of-nothing", [x, np.int64([1])], opset=20, keepdims=0, outputs=[np.full((2, 3), -np.inf, F)]),
        case("ReduceMin", "of-nothing", [x, np.int64([1])], opset=20, keepdims=0, outputs=[np.full((2, 3), np.inf, F)]),
        case("ReduceMax", "integers-of-nothing", [nothing(0, 2, dtype=np.int32), np.int64([0])], opset=20, keepdims=0,
             outputs=[np.full(2, np.iinfo(np.int32).min, np.int32)]),
        case("ReduceMin", "bytes-of-nothing", [nothing(0, 2, dtype=np.uint8), np.int64([0])], opset=20, keepdims=0,
             outputs=[np.full(2, 255, np.uint8)]),
        case("ReduceMax", "truth-of-nothing", [nothing(0, 2, dtype=np.bool_), np.int64([0])], opset=20, keepdims=0,
             outputs=[np.array([False, False])]),
        case("ReduceSum", "integers-of-nothing", [nothing(0, 2, dtype=np.int64), np.int64([0])], ["int64"], opset=13),
        case("ReduceMean", "of-nothing", [x, np.int64([1])], opset=18, keepdims=0, outputs=[np.full((2, 3), np.nan, F)]),
        case("ArgMax", "along-another-axis", [x], ["int64"], opset=13, axis=2),
        case("ArgMax", "of-nothing", [x], error="ArgMax", opset=13, axis=1),
        case("ArgMin", "of-nothing", [x], error="ArgMin", opset=13, axis=1),
        case("TopK", "none-of-nothing", [x, np.int64([0])], ["float32", "int64"], opset=11, axis=1),
        case("TopK", "none", [some(2, 3), np.int64([0])], ["float32", "int64"], opset=11),
        case("TopK", "one-of-nothing", [x, np.int64([1])], error="TopK", opset=11, axis=1),
        case("NonZero", "of-zeros", [np.zeros((2, 2), F)], ["int64"], opset=13),
        case("NonZero", "of-nothing", [x], ["int64"], opset=13),
        case("Unique", "of-nothing", [nothing(0)], ["float32"], opset=11),
        case("Compress", "none", [some(3, 2), np.zeros(3, np.bool_)], opset=11, axis=0),
        case("Hardmax", "nothing", [x], opset=13),
        case("Softmax", "of-nothing", [x], opset=13, axis=1),
    ]
    return found


def layers(case):
    image, image_1d = nothing(0, 2, 5, 5), nothing(0, 2, 5)
    found = [
        case("MatMul", "inner-size-0-is-0", [nothing(2, 0), nothing(0, 3)], opset=13),
        case("MatMul", "no-rows", [nothing(0, 4), some(4, 3)], opset=13),
        case("MatMul", "no-columns", [some(2, 4), nothing(4, 0)], opset=13),
        case("MatMul", "no-batch", [nothing(0, 2, 4), some(4, 3)], opset=13),
        case("MatMul", "inner-size-0-of-a-batch", [nothing(3, 2, 0), nothing(3, 0, 4)], opset=13),
        case("MatMul", "vectors-of-nothing", [nothing(0), nothing(0)], opset=13),
        case("Gemm", "inner-size-0-is-the-bias", [nothing(2, 0), nothing(0, 3), some(3)], opset=13),
        case("Gemm", "no-rows", [nothing(0, 4), some(4, 3), some(3)], opset=13),
        case("Gemm", "transposed-without-bias", [nothing(0, 2), nothing(3, 0)], opset=13, transA=1, transB=1),
        case("Einsum", "inner-size-0", [nothing(2, 0), nothing(0, 3)], opset=12, equation="ij,jk->ik"),
        case("Conv", "no-batch", [image, some(4, 2, 3, 3), some(4)], opset=13),
        case("Conv", "one-axis-no-batch", [image_1d, some(4, 2, 3)], opset=13),
        case("Conv", "depthwise-no-batch", [image, some(2, 1, 3, 3)], opset=13, group=2),
        case("ConvTranspose", "no-batch", [image, some(2, 4, 3, 3)], opset=13),
        case("MaxPool", "no-batch", [image], opset=13, kernel_shape=[2, 2]),
        case("AveragePool", "no-batch", [image], opset=13, kernel_shape=[2, 2]),
        case("GlobalAveragePool", "no-batch", [image], opset=13),
        case("GlobalMaxPool", "no-batch", [image], opset=13),
        case("LpPool", "no-batch", [image], opset=18, kernel_shape=[2, 2]),
        case("LRN", "no-batch", [image], opset=13, size=3),
        case("BatchNormalization", "no-batch", [image, some(2), some(2), some(2), some(2)], opset=15),
        case("InstanceNormalization", "no-batch", [image, some(2), some(2)], opset=13),
        case("LayerNormalization", "no-batch", [nothing(0, 3), some(3)], opset=17),
        case("GroupNormalization", "no-batch", [image, some(2), some(2)], opset=21, num_groups=2, outputs=[image]),
        case("LpNormalization", "no-batch", [nothing(0, 3)], opset=13),
        case("MeanVarianceNormalization", "no-batch", [image], opset=13),
        case("Dropout", "no-batch", [image], opset=13),
        case("GridSample", "no-batch", [image, nothing(0, 2, 2, 2)], opset=16),
        case("GridSample", "no-places", [some(1, 1, 2, 2), nothing(1, 0, 2, 2)], opset=16),
        case("RoiAlign", "no-regions", [some(1, 2, 5, 5), nothing(0, 4), nothing(0, dtype=np.int64)], opset=16, output_height=2,
             output_width=2),
        case("NonMaxSuppression", "no-boxes", [nothing(1, 0, 4), nothing(1, 1, 0), np.int64([3])], ["int64"], opset=11),
        case("NonMaxSuppression", "no-output", [some(1, 1, 4), some(1, 1, 1), np.int64([0])], ["int64"], opset=11),
        case("MatMulInteger", "inner-size-0", [nothing(2, 0, dtype=np.uint8), nothing(0, 3, dtype=np.uint8)], ["int32"], opset=13),
        case("ConvInteger", "no-batch", [nothing(0, 1, 3, 3, dtype=np.uint8), np.ones((1, 1, 2, 2), np.uint8)], ["int32"],
             opset=13),
        case("LSTM", "no-batch", [nothing(3, 0, 2), some(1, 8, 2), some(1, 8, 2)], opset=14, hidden_size=2,
             outputs=[nothing(3, 1, 0, 2)]),
        case("GRU", "no-batch", [nothing(3, 0, 2), some(1, 6, 2), some(1, 6, 2)], opset=14, hidden_size=2,
             outputs=[nothing(3, 1, 0, 2)]),
        case("RNN", "no-batch", [nothing(3, 0, 2), some(1, 2, 2), some(1, 2, 2)], ["float32"], opset=14, hidden_size=2),
        case("Det", "no-batch", [nothing(0, 2, 2)], opset=11),
        case("DeformConv", "no-batch", [image, some(4, 2, 3, 3), nothing(0, 18, 3, 3)], opset=19),
        case("Col2Im", "no-batch", [nothing(0, 4, 4), np.int64([3, 3]), np.int64([2, 2])], opset=18),
    ]
    return found


def cases(case, T):
    return elementwise(case) + moving(case) + reducing(case) + layers(case)
