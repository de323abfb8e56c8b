# SPDX-License-Identifier: LGPL-2.1-or-later
"""What came or changed with operator set 19."""
import numpy as np

RNG = np.random.default_rng(19)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def cases(case, T):
    x = floats(2, 3, 5)
    image = floats(1, 2, 7, 9)
    words = np.array([["one", "two"], ["", "two "]])
    return [
        case("AveragePool", "dilations", [image], opset=19, kernel_shape=[3, 2], dilations=[2, 3], strides=[1, 2]),
        case("AveragePool", "dilations-and-pads", [image], opset=19, kernel_shape=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1]),
        case("AveragePool", "dilations-counting-pads", [image], opset=19, kernel_shape=[2, 2], dilations=[2, 2],
             pads=[1, 1, 1, 1], count_include_pad=1),
        case("AveragePool", "ceil-mode", [image], opset=19, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        case("Pad", "wrap", [x, np.int64([0, 1, 2, 1, 2, 1])], opset=19, mode="wrap"),
        case("Pad", "wrap-bytes", [np.uint8([[1, 2, 3]]), np.int64([0, 3, 0, 2])], ["uint8"], opset=19, mode="wrap"),
        case("Equal", "strings", [words, np.array(["one", "two"])], ["bool"], opset=19),
        case("Resize", "half-pixel-symmetric", [image, None, np.float32([1, 1, 1.7, 0.6])], opset=19, mode="linear",
             coordinate_transformation_mode="half_pixel_symmetric"),
        case("Cast", "bfloat16", [np.float32([1.00390625, 3.1415927, -2e-30])], ["bfloat16"], opset=19, to=16),
        case("Cast", "float8", [x], error="casting to type float8e4m3fn is not possible", opset=19, to=17),
        case("Reshape", "allowzero", [np.zeros((0, 3, 4), np.float32), np.int64([3, 4, 0])], opset=19, allowzero=1),
        case("Shape", "part", [floats(2, 3, 4)], ["int64"], opset=19, start=1, end=-1),
        case("Size", "bool", [np.array([[True, False]])], ["int64"], opset=19),
        case("Identity", "bool", [np.array([[True, False]])], ["bool"], opset=19),
    ] + deformable(case)


def deformable(case):
    """Dai et al.: with offsets of 0 it is a convolution, with whole ones it reads other pixels."""
    x = floats(2, 4, 6, 5)
    w = floats(6, 4, 3, 3)
    half = floats(6, 2, 3, 3)
    offset = floats(2, 18, 4, 3)
    return [
        case("DeformConv", "offsets", [x, w, offset], opset=19, tolerance=1e-4),
        case("DeformConv", "bias-and-mask", [x, w, offset, floats(6), np.abs(floats(2, 9, 4, 3))], opset=19, tolerance=1e-4),
        case("DeformConv", "groups", [x, half, floats(2, 36, 4, 3), None, np.abs(floats(2, 18, 4, 3))], opset=19, group=2,
             offset_group=2, tolerance=1e-4),
        case("DeformConv", "pads-strides-dilations", [x, w, floats(2, 18, 3, 3) * 2], opset=19, pads=[2, 1, 2, 1],
             strides=[2, 2], dilations=[2, 1], kernel_shape=[3, 3], tolerance=1e-4),
        case("DeformConv", "far-away", [x, w, np.full((2, 18, 4, 3), 1e9, np.float32)], opset=19,
             outputs=[np.zeros((2, 6, 4, 3), np.float32)]),
        case("DeformConv", "too-few-offsets", [x, w, floats(2, 16, 4, 3)], error="do not fit its data", opset=19),
    ]
