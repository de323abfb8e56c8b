# SPDX-License-Identifier: LGPL-2.1-or-later
"""What came or changed with operator set 18."""
import numpy as np

RNG = np.random.default_rng(18)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


REDUCTIONS = ("ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
              "ReduceSumSquare")


def reductions(case):
    found = []
    for op in REDUCTIONS:
        x = floats(2, 3, 4)
        found += [
            case(op, "axes-are-an-input", [x, np.int64([1])], opset=18, keepdims=0),
            case(op, "negative-axes", [x, np.int64([-1, 0])], opset=18),
            case(op, "no-axes", [x], opset=18),
            case(op, "empty-axes-reduce-all", [x, np.int64([])], opset=18),
            case(op, "empty-axes-do-nothing", [x, np.int64([])], opset=18, noop_with_empty_axes=1),
        ]
    found.append(case("ReduceLogSum", "axes-are-an-input", [np.abs(floats(2, 3, 4)) + 1, np.int64([1])], opset=18))
    return found


def resizes(case):
    image = floats(1, 2, 7, 9)
    none = np.float32([])
    found = []
    for mode in ("linear", "cubic"):
        for coordinates in ("half_pixel", "align_corners", "asymmetric"):
            found.append(case("Resize", "antialias-%s-%s" % (mode, coordinates), [image, None, None, np.int64([1, 2, 3, 4])],
                              opset=18, mode=mode, antialias=1, coordinate_transformation_mode=coordinates, tolerance=1e-4))
        found += [
            case("Resize", "antialias-%s-enlarges" % mode, [image, None, np.float32([1, 1, 2, 1.7])], opset=18, mode=mode,
                 antialias=1, tolerance=1e-4),
            case("Resize", "antialias-%s-excludes-outside" % mode, [image, None, np.float32([1, 1, 0.4, 0.6])], opset=18,
                 mode=mode, antialias=1, exclude_outside=1, tolerance=1e-4),
        ]
    for policy in ("not_larger", "not_smaller"):
        found.append(case("Resize", policy, [image, None, None, np.int64([12, 12])], opset=18, mode="nearest", axes=[2, 3],
                          keep_aspect_ratio_policy=policy, coordinate_transformation_mode="asymmetric", nearest_mode="floor"))
    found.append(case("Resize", "some-axes-in-another-order", [image, None, np.float32([2, 0.5])], opset=18, mode="linear",
                      axes=[3, 2]))
    return found


def cases(case, T):
    x = floats(2, 3, 5)
    wide = floats(2, 6, 4, 5)
    found = reductions(case) + resizes(case)
    found += [
        case("Split", "num-outputs", [floats(7, 2)], ["float32"] * 3, opset=18, num_outputs=3),
        case("Split", "num-outputs-axis", [floats(2, 8)], ["float32"] * 3, opset=18, num_outputs=3, axis=-1),
        case("Pad", "axes", [x, np.int64([1, 2]), np.float32(3), np.int64([-1])], opset=18),
        case("Pad", "axes-edge", [x, np.int64([1, 0, 2, 1]), None, np.int64([2, 0])], opset=18, mode="edge"),
        case("Pad", "axes-reflect", [x, np.int64([2, 3]), None, np.int64([2])], opset=18, mode="reflect"),
        case("ScatterElements", "max", [x, np.int64([[[0, 1, 0, 1, 2]], [[2, 2, 1, 0, 0]]]), floats(2, 1, 5)], opset=18, axis=1,
             reduction="max"),
        case("ScatterElements", "min-of-one-place", [x[0, 0], np.int64([1, 1, 1]), np.float32([5, -3, 1])], opset=18,
             reduction="min"),
        case("ScatterND", "max", [x, np.int64([[0, 1], [1, 2], [0, 1]]), floats(3, 5)], opset=18, reduction="max"),
        case("ScatterND", "min", [x, np.int64([[0, 1], [1, 2], [0, 1]]), floats(3, 5)], opset=18, reduction="min"),
        case("CenterCropPad", "crops", [x, np.int64([1, 2, 2])], opset=18),
        case("CenterCropPad", "pads", [x, np.int64([3, 6, 8])], opset=18),
        case("CenterCropPad", "crops-and-pads-axes", [x, np.int64([8, 1])], opset=18, axes=[1, -1]),
        case("Col2Im", "blocks-side-by-side", [floats(1, 5, 5), np.int64([5, 5]), np.int64([1, 5])], opset=18),
        case("Col2Im", "overlapping", [floats(2, 12, 9), np.int64([4, 5]), np.int64([2, 3])], opset=18),
        case("Col2Im", "strides-pads-dilations", [floats(1, 8, 9), np.int64([6, 6]), np.int64([2, 2])], opset=18,
             strides=[2, 2], pads=[1, 0, 0, 1], dilations=[2, 1]),
        case("Col2Im", "volume", [floats(1, 10, 12), np.int64([3, 4, 5]), np.int64([1, 1, 5])], opset=18),
        case("BitwiseAnd", "broadcasts", [np.int32([[12], [7]]), np.int32([10, 3, -1])], ["int32"], opset=18),
        case("BitwiseOr", "bytes", [np.uint8([12, 7]), np.uint8([3, 128])], ["uint8"], opset=18),
        case("BitwiseXor", "int64", [np.int64([12, -7]), np.int64([3, 1 << 40])], ["int64"], opset=18),
        case("BitwiseNot", "uint16", [np.uint16([0, 1, 65535])], ["uint16"], opset=18),
        case("BitwiseNot", "int8", [np.int8([0, -1, 100])], ["int8"], opset=18),
        case("Mish", "values", [np.float32([-100, -5, -1, 0, 1e-3, 1, 5, 30, 100])], opset=18, tolerance=1e-5),
        case("GroupNormalization", "per-group", [wide, floats(3), floats(3)], opset=18, num_groups=3),
        case("LpPool", "dilations", [floats(1, 2, 9, 9)], opset=18, kernel_shape=[2, 3], dilations=[2, 3], p=3),
        case("LpPool", "pads-and-ceil", [floats(1, 2, 6, 6)], opset=18, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
             ceil_mode=1),
        case("LpPool", "one-axis-p1", [floats(2, 3, 8)], opset=18, kernel_shape=[3], p=1),
        case("GlobalLpPool", "p2", [floats(2, 3, 4, 4)], opset=18),
        case("LpNormalization", "last-axis", [floats(3, 4)], opset=18),
        case("LpNormalization", "first-axis-p1", [floats(3, 4)], opset=18, axis=0, p=1),
        case("MaxRoiPool", "regions", [floats(2, 3, 9, 8), np.float32([[0, 0, 0, 7, 8], [1, 2, 1, 5, 6], [1, 3, 3, 3, 3],
                                                                       [0, 6, 7, 20, 20]])], opset=18, pooled_shape=[3, 2]),
        case("MaxRoiPool", "scaled", [floats(1, 2, 6, 6), np.float32([[0, 1, 2, 9, 11]])], opset=18, pooled_shape=[2, 2],
             spatial_scale=0.5),
        case("MaxRoiPool", "another-image", [floats(1, 2, 6, 6), np.float32([[1, 1, 2, 9, 11]])], opset=18, pooled_shape=[2, 2],
             error="region 0 is of image 1 of 1"),
        case("LpNormalization", "zeros", [np.zeros((2, 2), np.float32)], opset=18),
        case("OptionalHasElement", "of-a-tensor", [x], ["bool"], opset=18),
        case("OptionalGetElement", "of-a-tensor", [x], opset=18),
    ]
    found += errors(case)
    return found


def errors(case):
    x = floats(2, 3, 5)
    return [
        case("CenterCropPad", "too-few-sizes", [x, np.int64([1, 2])], error="2 sizes for 3 axes", opset=18),
        case("CenterCropPad", "negative-size", [x, np.int64([1, 2, -2])], error="size -2 is impossible", opset=18),
        case("Col2Im", "too-few-columns", [floats(1, 5, 4), np.int64([5, 5]), np.int64([1, 5])],
             error="4 columns for 5 positions", opset=18),
        case("Col2Im", "impossible-block", [floats(1, 5, 4), np.int64([5, 5]), np.int64([0, 5])], error="impossible size 0",
             opset=18),
        case("BitwiseAnd", "floats", [x, x], error="input 0 has type float32", opset=18),
        case("GroupNormalization", "uneven-groups", [floats(1, 5, 2), floats(2), floats(2)], error="divide into 2 groups",
             opset=18, num_groups=2),
        case("LpPool", "p-0", [floats(1, 1, 5)], error="p is less than 1", opset=18, kernel_shape=[2], p=0),
        case("LpNormalization", "p-3", [x], error="neither 1 nor 2", opset=18, p=3),
        case("Split", "num-outputs-differs", [x], error="num_outputs is not the number", opset=18, num_outputs=2),
    ]
