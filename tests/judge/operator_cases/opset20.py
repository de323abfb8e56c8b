# SPDX-License-Identifier: LGPL-2.1-or-later
"""What came or changed with operator set 20."""
import numpy as np

RNG = np.random.default_rng(20)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def grids(case):
    found = []
    image, volume = floats(2, 3, 5, 4), floats(1, 2, 4, 3, 5)
    grid, places = floats(2, 3, 6, 2), floats(1, 3, 2, 4, 3)
    for padding in ("zeros", "border", "reflection"):
        for aligned in (0, 1):
            for mode in ("linear", "nearest", "cubic"):
                found.append(case("GridSample", "%s-%s-%d" % (mode, padding, aligned), [image, grid], opset=20, mode=mode,
                                  padding_mode=padding, align_corners=aligned, tolerance=1e-4))
                if mode != "cubic":
                    found.append(case("GridSample", "volume-%s-%s-%d" % (mode, padding, aligned), [volume, places], opset=20,
                                      mode=mode, padding_mode=padding, align_corners=aligned, tolerance=1e-4))
    for aligned in (0, 1):
        found += [
            case("AffineGrid", "plane-%d" % aligned, [floats(2, 2, 3), np.int64([2, 5, 3, 4])], opset=20, align_corners=aligned),
            case("AffineGrid", "space-%d" % aligned, [floats(1, 3, 4), np.int64([1, 5, 3, 4, 2])], opset=20, align_corners=aligned),
        ]
    return found


def strings(case):
    words = np.array(["www.google.com", "info@onnx.ai", "a b  c", "", " x", "x,y,,z"])
    return [
        case("StringConcat", "broadcasts", [np.array([["a", ""], ["b", "c"]]), np.array(["-x", "-y"])], ["string"], opset=20),
        case("StringSplit", "comma", [np.array([["a,b", "c"], ["d,,e", "x,y,z,w"]])], ["string", "int64"], opset=20, delimiter=","),
        case("StringSplit", "blanks", [words], ["string", "int64"], opset=20),
        case("StringSplit", "any-white-space", [np.array(["a\tb\n"])], opset=20,
             outputs=[np.array([["a", "b"]]), np.int64([2])], types=["string", "int64"]),
        case("StringSplit", "at-most-one", [words], ["string", "int64"], opset=20, maxsplit=1),
        case("StringSplit", "at-most-one-comma", [words], ["string", "int64"], opset=20, maxsplit=1, delimiter=","),
        case("StringSplit", "long-delimiter", [np.array(["eggs;and;bacon", "and;and"])], ["string", "int64"], opset=20,
             delimiter=";and;"),
        case("RegexFullMatch", "host", [words], ["bool"], opset=20, pattern=r"www\.[\w.-]+\.\bcom\b"),
        case("RegexFullMatch", "all-of-it", [np.array([["ab", "abc"], ["a\n", "a"]])], ["bool"], opset=20, pattern="ab?|a"),
        case("RegexFullMatch", "malformed", [words], error="is malformed", opset=20, pattern="(a"),
        case("RegexFullMatch", "without-a-pattern", [words], error="pattern is missing", opset=20),
        case("StringConcat", "numbers", [floats(2), floats(2)], error="StringConcat", opset=20),
    ]


def cases(case, T):
    special = np.float32([1, np.inf, -np.inf, np.nan, 0])
    x = floats(2, 3, 5)
    return grids(case) + strings(case) + [
        case("Gelu", "exact", [np.linspace(-6, 6, 41, dtype=np.float32)], opset=20),
        case("Gelu", "tanh", [np.linspace(-6, 6, 41, dtype=np.float32)], opset=20, approximate="tanh"),
        case("IsInf", "all", [special], ["bool"], opset=20),
        case("IsInf", "half", [special.astype(np.float16)], ["bool"], opset=20),
        case("IsInf", "only-positive", [special], ["bool"], opset=20, detect_negative=0),
        case("IsNaN", "double", [special.astype(np.float64)], ["bool"], opset=20),
        case("IsNaN", "half", [special.astype(np.float16)], ["bool"], opset=20),
        case("ReduceMax", "bool", [np.array([[True, False], [False, False]]), np.int64([1])], ["bool"], opset=20),
        case("ReduceMin", "bool", [np.array([[True, False], [True, True]]), np.int64([1])], ["bool"], opset=20, keepdims=0),
        case("DFT", "axis-input", [floats(2, 6, 5, 1), None, np.int64(1)], opset=20, tolerance=1e-4),
        case("DFT", "default-axis", [floats(2, 6, 5, 2)], opset=20, tolerance=1e-4),
        case("DFT", "length-onesided", [floats(2, 6, 5, 1), np.int64(8), np.int64(-3)], opset=20, onesided=1, tolerance=1e-4),
        case("DFT", "inverse", [floats(2, 6, 5, 2), None, np.int64(-2)], opset=20, inverse=1, tolerance=1e-4),
        case("DFT", "imaginary-axis", [floats(2, 6, 5, 2), None, np.int64(3)], error="axis 3 is that of real", opset=20),
        case("ConstantOfShape", "bool", [np.int64([2, 2])], ["bool"], opset=20, value=T([True])),
        case("GridSample", "unknown-mode", [floats(1, 1, 4, 4), floats(1, 2, 2, 2)], error="mode is unknown", opset=20,
             mode="area"),
        case("AffineGrid", "another-batch", [floats(2, 2, 3), np.int64([3, 5, 3, 4])], error="do not fit", opset=20),
        case("ImageDecoder", "is-refused", [np.uint8([1, 2, 3])], error="cannot be executed", opset=20),
        case("Identity", "of-the-end", [x], opset=20),
    ]
