# SPDX-License-Identifier: LGPL-2.1-or-later
"""What came or changed with operator set 23."""
import numpy as np

RNG = np.random.default_rng(23)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def cases(case, T):
    x, flat = floats(2, 3, 5, 8), floats(2, 5, 24)
    angles = RNG.uniform(0, 6, (2, 5, 4)).astype(np.float32)
    table = RNG.uniform(0, 6, (9, 4)).astype(np.float32)
    positions = np.int64([[0, 1, 2, 3, 4], [8, 7, 1, 1, 0]])
    return [
        case("RMSNormalization", "last-axis", [x, floats(8)], opset=23),
        case("RMSNormalization", "two-axes", [x, floats(5, 8)], opset=23, axis=2, epsilon=0.01),
        case("RMSNormalization", "another-size", [x, floats(5)], error="not as large", opset=23),
        case("RotaryEmbedding", "heads-apart", [x, np.cos(angles), np.sin(angles)], opset=23),
        case("RotaryEmbedding", "positions", [x, np.cos(table), np.sin(table), positions], opset=23),
        case("RotaryEmbedding", "interleaved", [x, np.cos(table), np.sin(table), positions], opset=23, interleaved=1),
        case("RotaryEmbedding", "heads-together", [flat, np.cos(angles), np.sin(angles)], opset=23, num_heads=3),
        case("RotaryEmbedding", "a-part-of-the-head", [x, np.cos(angles[..., :2]), np.sin(angles[..., :2])], opset=23,
             rotary_embedding_dim=4, num_heads=3),
        case("RotaryEmbedding", "position-beyond-the-table", [x, np.cos(table), np.sin(table), positions + 1],
             error="position 9 is not in its tables of 9 rows", opset=23),
        case("DequantizeLinear", "to-half", [np.int8([1, -2, 100]), np.float32(0.3)], ["float16"], opset=23, output_dtype=10),
    ]
