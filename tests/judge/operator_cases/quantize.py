# SPDX-License-Identifier: LGPL-2.1-or-later
"""QuantizeLinear and DequantizeLinear of operator sets 19 to 21, and Cast to and from 4 bits."""
import numpy as np

RNG = np.random.default_rng(1)


def floats(*shape):
    return (RNG.standard_normal(shape) * 3).astype(np.float32)


def scales(*shape):
    return RNG.uniform(0.05, 0.9, shape).astype(np.float32)


def cases(case, T):
    def integers(kind, *shape):
        low, high = {"int4": (-8, 7), "uint4": (0, 15), "int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767),
                     "uint16": (0, 65535)}[kind]
        return T(RNG.integers(low, high + 1, shape).astype(np.int32 if "4" in kind else kind), kind)

    found = []
    for kind in ("int4", "uint4", "int16", "uint16", "int8"):
        zero = T(np.array(1), kind) if kind in ("int4", "uint4") else np.array(1, dtype=kind)
        found += [
            case("QuantizeLinear", "to-" + kind, [floats(3, 7), np.float32(0.31), zero], [kind]),
            case("QuantizeLinear", "per-axis-to-" + kind, [floats(3, 4, 5), scales(4), integers(kind, 4)], [kind], axis=1),
            case("QuantizeLinear", "last-axis-to-" + kind, [floats(3, 4, 5), scales(5), integers(kind, 5)], [kind], axis=-1),
            case("QuantizeLinear", "blocked-to-" + kind, [floats(3, 8), scales(3, 2), integers(kind, 3, 2)], [kind],
                 axis=1, block_size=4),
            case("QuantizeLinear", "blocked-first-axis-to-" + kind, [floats(6, 5), scales(3, 5), integers(kind, 3, 5)],
                 [kind], axis=0, block_size=2),
            case("DequantizeLinear", "from-" + kind, [integers(kind, 3, 7), np.float32(0.31), zero]),
            case("DequantizeLinear", "per-axis-from-" + kind, [integers(kind, 3, 4, 5), scales(4), integers(kind, 4)], axis=1),
            case("DequantizeLinear", "last-axis-from-" + kind, [integers(kind, 3, 5), scales(5), integers(kind, 5)], axis=-1),
            case("DequantizeLinear", "blocked-from-" + kind, [integers(kind, 3, 8), scales(3, 2), integers(kind, 3, 2)],
                 axis=-1, block_size=4),
            case("DequantizeLinear", "short-last-block-from-" + kind,
                 [integers(kind, 3, 7), scales(3, 2), integers(kind, 3, 2)], axis=1, block_size=4),
            case("DequantizeLinear", "blocked-middle-axis-from-" + kind,
                 [integers(kind, 2, 6, 3), scales(2, 3, 3), integers(kind, 2, 3, 3)], axis=1, block_size=2),
        ]
    grid = integers("int4", 3, 5)
    found += [
        case("QuantizeLinear", "output-type-without-zero-point", [floats(3, 7), np.float32(0.31)], ["int16"], output_dtype=5),
        case("QuantizeLinear", "half-scale", [floats(3, 7).astype(np.float16), np.float16(0.25)], ["uint8"]),
        case("QuantizeLinear", "saturates", [np.float32([-1e9, -9, -8.5, 7.5, 1e9]), np.float32(1), T(np.array(0), "int4")],
             ["int4"]),
        case("DequantizeLinear", "to-half", [integers("int8", 9), np.float16(0.3)], ["float16"]),
        case("DequantizeLinear", "without-zero-point", [integers("int4", 9), np.float32(0.3)]),
        case("Cast", "from-int4", [integers("int4", 3, 5)], to=1),
        case("Cast", "from-uint4", [integers("uint4", 3, 5)], ["int8"], to=3),
        case("Transpose", "int4", [integers("int4", 3, 5)], ["int4"], perm=[1, 0]),
        case("Reshape", "int4", [grid, np.int64([5, 3])], outputs=[T(grid.array.reshape(5, 3), "int4")]),
        case("Pad", "int4", [grid, np.int64([0, 1, 0, 2]), T(np.array(-3), "int4")],
             outputs=[T(np.pad(grid.array, ((0, 0), (1, 2)), constant_values=-3), "int4")]),
        case("ConstantOfShape", "int4", [np.int64([3])], outputs=[T([-2, -2, -2], "int4")], value=T([-2], "int4")),
        # ONNX, "4 bit integer types": rounded to the nearest even integer, then cut to the range.
        case("Cast", "to-int4", [np.float32([-9, -8.4, -0.5, 0.5, 1.5, 6.6, 12])],
             outputs=[T(np.array([-8, -8, 0, 0, 2, 7, 7]), "int4")], to=22),
        case("Cast", "to-uint4", [np.float32([-9, 0.5, 1.5, 14.6, 99])], outputs=[T(np.array([0, 0, 2, 15, 15]), "uint4")], to=21),
        case("QuantizeLinear", "two-types", [floats(3), np.float32(1), np.int8(0)], error="output_dtype is int16", output_dtype=5),
        case("QuantizeLinear", "float8", [floats(3), np.float32(1)], error="float8e4m3fn is not possible", output_dtype=17),
        case("QuantizeLinear", "scales-that-fit-no-blocks", [floats(3, 8), scales(3, 3)], error="do not fit blocks of 4",
             axis=1, block_size=4),
        case("DequantizeLinear", "negative-block", [integers("int8", 3, 8), scales(3, 2)], error="do not fit blocks of -4",
             axis=1, block_size=-4),
    ]
    return found
