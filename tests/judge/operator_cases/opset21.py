# SPDX-License-Identifier: LGPL-2.1-or-later
"""What came or changed with operator set 21, but for quantize.py."""
import numpy as np

RNG = np.random.default_rng(21)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def cases(case, T):
    wide = floats(2, 6, 4, 5)
    a, b = RNG.integers(0, 255, (3, 4)).astype(np.uint8), RNG.integers(-127, 127, (4, 5)).astype(np.int8)
    return [
        case("GroupNormalization", "per-channel", [wide, floats(6), floats(6)], opset=21, num_groups=3),
        case("GroupNormalization", "one-group", [floats(2, 4, 7), floats(4), floats(4)], opset=21, num_groups=1, epsilon=0.1),
        case("GroupNormalization", "as-many-groups-as-channels", [wide, floats(6), floats(6)], opset=21, num_groups=6),
        case("GroupNormalization", "scale-per-group", [wide, floats(3), floats(3)], error="one number per channel", opset=21,
             num_groups=3),
        case("QLinearMatMul", "bytes", [a, np.float32(0.02), np.uint8(128), b, np.float32(0.01), np.int8(0), np.float32(0.3),
                                        np.uint8(100)], ["uint8"], opset=21),
        case("QLinearMatMul", "half-scales", [a, np.float16(0.02), np.uint8(128), b, np.float16(0.01), np.int8(0),
                                              np.float16(0.3), np.uint8(100)], opset=21,
             outputs=[reference(a, 0.02, 128, b, 0.01, 0, 0.3, 100)]),
        case("TopK", "int32", [np.int32([[3, 1, 4, 1, 5]]), np.int64([2])], ["int32", "int64"], opset=21),
        case("TopK", "smallest", [floats(3, 6), np.int64([3])], ["float32", "int64"], opset=21, largest=0, axis=1),
        case("Flatten", "int16", [np.arange(12, dtype=np.int16).reshape(2, 2, 3)],
             outputs=[np.arange(12, dtype=np.int16).reshape(4, 3)], opset=21, axis=2),
        case("Unsqueeze", "axes", [floats(2, 3), np.int64([0, -1])], opset=21),
        case("Squeeze", "all", [floats(1, 3, 1)], opset=21),
        case("Transpose", "uint16", [np.arange(6, dtype=np.uint16).reshape(2, 3)], opset=21,
             outputs=[np.arange(6, dtype=np.uint16).reshape(2, 3).T]),
        case("Size", "half", [floats(2, 3).astype(np.float16)], outputs=[np.int64(6)], opset=21),
        case("Pad", "int32", [np.int32([[1, 2]]), np.int64([0, 1, 0, 0]), np.int32(7)], ["int32"], opset=21),
    ]


def reference(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero):
    """By the definition, with the scales as float16 holds them."""
    a_scale, b_scale, y_scale = (float(np.float16(s)) for s in (a_scale, b_scale, y_scale))
    total = (a.astype(np.int64) - a_zero) @ (b.astype(np.int64) - b_zero)
    return np.clip(np.rint(total * (a_scale * b_scale / y_scale)) + y_zero, 0, 255).astype(np.uint8)
