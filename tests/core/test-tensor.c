/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shapes, element types, conversion. */
#include "graph/tensor.h"
#include <math.h>

static void
test_shape_elements_of_scalar_empty_open_and_huge (void)
{
  PareShape scalar = { 0 }, empty = pare_shape_of (3, 2, 0, 4), open = pare_shape_of (2, -1, 4);
  PareShape huge = { .rank = 2, .dims = { G_MAXINT64 / 2, 3 } };
  PareShape huge_but_empty = { .rank = 3, .dims = { G_MAXINT64 / 2, 3, 0 } };

  g_assert_cmpint (pare_shape_elements (&scalar), ==, 1);
  g_assert_cmpint (pare_shape_elements (&empty), ==, 0);
  g_assert_cmpint (pare_shape_elements (&open), ==, -1);
  g_assert_cmpint (pare_shape_elements (&huge), ==, -1);
  g_assert_cmpint (pare_shape_elements (&huge_but_empty), ==, 0);
  g_assert_false (pare_shape_is_fixed (&open));
}

static void
test_shape_strides_are_row_major (void)
{
  PareShape shape = pare_shape_of (3, 2, 3, 5);
  gint64 strides[PARE_MAX_RANK];

  pare_shape_strides (&shape, strides);
  g_assert_cmpint (strides[0], ==, 15);
  g_assert_cmpint (strides[1], ==, 5);
  g_assert_cmpint (strides[2], ==, 1);
  g_assert_cmpint (pare_shape_span (&shape, 1, 3), ==, 15);
  g_assert_cmpint (pare_shape_span (&shape, 3, 3), ==, 1);
}

static void
test_shapes_broadcast_as_in_numpy (void)
{
  PareShape a = pare_shape_of (3, 4, 1, 5), b = pare_shape_of (2, 3, 1), result, expected = pare_shape_of (3, 4, 3, 5);
  PareShape odd = pare_shape_of (1, 2), empty = pare_shape_of (1, 0), one = pare_shape_of (1, 1);

  g_assert_true (pare_shape_broadcast (&a, &b, &result));
  g_assert_true (pare_shape_equal (&result, &expected));
  g_assert_true (pare_shape_broadcast (&b, &a, &result));
  g_assert_true (pare_shape_equal (&result, &expected));
  g_assert_false (pare_shape_broadcast (&a, &odd, &result));
  g_assert_true (pare_shape_broadcast (&empty, &one, &result));
  g_assert_cmpint (result.dims[0], ==, 0);
}

static void
test_axes_count_from_either_end (void)
{
  guint axis;

  g_assert_true (pare_axis_normalize (-1, 4, &axis));
  g_assert_cmpuint (axis, ==, 3);
  g_assert_true (pare_axis_normalize (3, 4, &axis));
  g_assert_cmpuint (axis, ==, 3);
  g_assert_false (pare_axis_normalize (4, 4, &axis));
  g_assert_false (pare_axis_normalize (-5, 4, &axis));
  g_assert_false (pare_axis_normalize (0, 0, &axis));
}

static void
test_shapes_print_open_sizes_as_question_marks (void)
{
  PareShape shape = pare_shape_of (3, 1, -1, 7), scalar = { 0 };
  g_autofree char *text = pare_shape_to_string (&shape), *nothing = pare_shape_to_string (&scalar);

  g_assert_cmpstr (text, ==, "[1,?,7]");
  g_assert_cmpstr (nothing, ==, "[]");
}

static void
test_type_names_go_both_ways (void)
{
  for (guint type = PARE_FLOAT32; type < PARE_DATA_TYPES; type++)
    g_assert_cmpint (pare_data_type_from_name (pare_data_type_name (type)), ==, type);
  g_assert_cmpstr (pare_data_type_name (PARE_FLOAT32), ==, "float32");
  g_assert_cmpstr (pare_data_type_name (PARE_DATA_TYPES + 5), ==, "undefined");
  g_assert_cmpint (pare_data_type_from_name ("float31"), ==, PARE_UNDEFINED);
}

static void
test_four_bit_types_are_packed (void)
{
  g_assert_cmpuint (pare_data_size (PARE_INT4, 5), ==, 3);
  g_assert_cmpuint (pare_data_size (PARE_UINT4, 4), ==, 2);
  g_assert_cmpuint (pare_data_size (PARE_FLOAT64, 3), ==, 24);
  g_assert_cmpuint (pare_data_size (PARE_STRING, 3), ==, 0);
}

/* Bit patterns from IEEE 754-2019, binary16, worked out by hand; every row converts exactly. */
static const struct
{
  guint16 bits;
  float value;
} halves[] = {
  { 0x0000, 0.f },         { 0x8000, -0.f },       { 0x3c00, 1.f },
  { 0xc000, -2.f },        { 0x7bff, 65504.f },    { 0x0001, 5.9604644775390625e-08f }, /* 2^-24, the least subnormal */
  { 0x0400, 0x1p-14f },    { 0x03ff, 0x3ffp-24f }, /* the least normal, the largest subnormal */
  { 0x3555, 0x1.554p-2f }, { 0x7c00, INFINITY },   { 0xfc00, -INFINITY },
};

static void
test_half_bits (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (halves); i++)
    {
      float value = 0;
      guint16 bits = 0;
      g_assert_true (pare_convert (PARE_FLOAT16, &halves[i].bits, PARE_FLOAT32, &value, 1));
      g_assert_true (value == halves[i].value && signbit (value) == signbit (halves[i].value));
      g_assert_true (pare_convert (PARE_FLOAT32, &halves[i].value, PARE_FLOAT16, &bits, 1));
      g_assert_cmphex (bits, ==, halves[i].bits);
    }
}

static void
test_every_half_survives_a_round_trip (void)
{
  for (guint32 i = 0; i <= 0xffff; i++)
    {
      guint16 bits = i, back = 0;
      float value = 0;
      pare_convert (PARE_FLOAT16, &bits, PARE_FLOAT32, &value, 1);
      pare_convert (PARE_FLOAT32, &value, PARE_FLOAT16, &back, 1);
      if (isnan (value)) /* stays a NaN, whichever */
        g_assert_true ((back & 0x7c00) == 0x7c00 && (back & 0x3ff));
      else
        g_assert_cmphex (back, ==, bits);
    }
}

/* Halfway cases go to the even mantissa (IEEE 754-2019, section 4.3.1). */
static const struct
{
  float value;
  guint16 half, bfloat;
} roundings[] = {
  { 0x1.002p0f, 0x3c00, 0x3f80 },   /* 1 + 2^-11: tie, down to the even 1 */
  { 0x1.006p0f, 0x3c02, 0x3f80 },   /* 1 + 3 * 2^-11: tie, up to the even 1 + 2^-9 */
  { 0x1.0021p0f, 0x3c01, 0x3f80 },  /* just above the tie */
  { 0x1.01p0f, 0x3c04, 0x3f80 },    /* 1 + 2^-8: a tie in bfloat16, down */
  { 0x1.03p0f, 0x3c0c, 0x3f82 },    /* 1 + 3 * 2^-8: a tie in bfloat16, up */
  { 65519.f, 0x7bff, 0x4780 },      /* below the middle of 65504 and 65536 */
  { 65520.f, 0x7c00, 0x4780 },      /* the middle rounds to what a half cannot hold */
  { 0x1p-25f, 0x0000, 0x3300 },     /* half of the least subnormal: tie, to 0 */
  { 0x1.8p-24f, 0x0002, 0x33c0 },   /* one and a half of it: tie, to 2 */
  { 0x1.ffep-15f, 0x0400, 0x3880 }, /* rounds up across the subnormal border; ties up in bfloat16 likewise */
};

static void
test_halves_round_to_nearest_even (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (roundings); i++)
    {
      guint16 half = 0, bfloat = 0;
      pare_convert (PARE_FLOAT32, &roundings[i].value, PARE_FLOAT16, &half, 1);
      pare_convert (PARE_FLOAT32, &roundings[i].value, PARE_BFLOAT16, &bfloat, 1);
      g_assert_cmphex (half, ==, roundings[i].half);
      g_assert_cmphex (bfloat, ==, roundings[i].bfloat);
    }
}

static void
test_bfloat_nan_stays_nan (void)
{
  const guint32 nan_with_low_bits = 0x7f800001;
  guint16 bits = 0;
  float back = 0;

  pare_convert (PARE_FLOAT32, &nan_with_low_bits, PARE_BFLOAT16, &bits, 1);
  pare_convert (PARE_BFLOAT16, &bits, PARE_FLOAT32, &back, 1);
  g_assert_true (isnan (back));
}

static void
test_floats_saturate_into_integers (void)
{
  const float source[] = { -1e30f, -129.f, -3.7f, 3.7f, 128.f, 1e30f, INFINITY, -INFINITY, NAN };
  const gint8 signed_bytes[] = { -128, -128, -3, 3, 127, 127, 127, -128, 0 };
  const guint8 bytes[] = { 0, 0, 0, 3, 128, 255, 255, 0, 0 };
  gint8 a[G_N_ELEMENTS (source)];
  guint8 b[G_N_ELEMENTS (source)];
  gint64 c[G_N_ELEMENTS (source)];

  g_assert_true (pare_convert (PARE_FLOAT32, source, PARE_INT8, a, G_N_ELEMENTS (source)));
  g_assert_true (pare_convert (PARE_FLOAT32, source, PARE_UINT8, b, G_N_ELEMENTS (source)));
  g_assert_true (pare_convert (PARE_FLOAT32, source, PARE_INT64, c, G_N_ELEMENTS (source)));
  g_assert_cmpmem (a, sizeof a, signed_bytes, sizeof signed_bytes);
  g_assert_cmpmem (b, sizeof b, bytes, sizeof bytes);
  g_assert_cmpint (c[0], ==, G_MININT64);
  g_assert_cmpint (c[5], ==, G_MAXINT64);
  g_assert_cmpint (c[8], ==, 0);
}

static void
test_bool_is_truth_not_truncation (void)
{
  const float source[] = { 0.f, 0.25f, -2.f, 256.f };
  const gint32 integers[] = { 0, 256, -1, 1 };
  guint8 a[4], b[4];
  const guint8 expected[] = { 0, 1, 1, 1 };

  g_assert_true (pare_convert (PARE_FLOAT32, source, PARE_BOOL, a, 4));
  g_assert_true (pare_convert (PARE_INT32, integers, PARE_BOOL, b, 4));
  g_assert_cmpmem (a, 4, expected, 4);
  g_assert_cmpmem (b, 4, expected, 4);
}

/* More elements than the block that half types go through. */
static void
test_long_arrays_of_halves_convert_whole (void)
{
  PareShape shape = pare_shape_of (1, 1000);
  gint32 *source = g_new (gint32, 1000);
  g_autoptr (PareTensor) integers = NULL, half = NULL, back = NULL;

  for (int i = 0; i < 1000; i++)
    source[i] = i - 500;
  integers = pare_tensor_new_take (PARE_INT32, &shape, source);
  half = pare_tensor_cast (integers, PARE_FLOAT16);
  back = pare_tensor_cast (half, PARE_INT32);
  g_assert_cmpuint (pare_tensor_size (half), ==, 2000);
  g_assert_true (pare_tensor_equal (integers, back));
  g_assert_true (pare_tensor_get_double (half, 999) == 499);
  g_assert_cmpint (pare_tensor_get_int (half, 0), ==, -500);
}

static void
test_strings_do_not_become_numbers (void)
{
  PareShape shape = pare_shape_of (1, 1);
  GPtrArray *strings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_autoptr (PareTensor) tensor = NULL, cast = NULL;

  g_ptr_array_add (strings, g_bytes_new_static ("1", 1));
  tensor = pare_tensor_new_strings (&shape, strings);
  cast = pare_tensor_cast (tensor, PARE_FLOAT32);
  g_assert_null (cast);
}

static void
test_reshaped_tensors_share_their_bytes (void)
{
  const float data[] = { 1, 2, 3, 4, 5, 6 };
  PareShape flat = pare_shape_of (1, 6), matrix = pare_shape_of (2, 2, 3);
  g_autoptr (PareTensor) a = pare_tensor_new_floats (&flat, data);
  g_autoptr (PareTensor) b = pare_tensor_reshape (a, &matrix);
  g_autoptr (PareTensor) same = pare_tensor_cast (b, PARE_FLOAT32);

  g_assert_true (pare_tensor_data (a) == pare_tensor_data (b));
  g_assert_true (same == b);
  g_assert_false (pare_tensor_equal (a, b)); /* shapes differ */
}

static void
test_integer_limits (void)
{
  gint64 low, high;

  pare_data_type_limits (PARE_INT8, &low, &high);
  g_assert_cmpint (low, ==, -128);
  g_assert_cmpint (high, ==, 127);
  pare_data_type_limits (PARE_UINT16, &low, &high);
  g_assert_cmpint (low, ==, 0);
  g_assert_cmpint (high, ==, 65535);
  pare_data_type_limits (PARE_INT4, &low, &high);
  g_assert_cmpint (low, ==, -8);
  g_assert_cmpint (high, ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shape/elements", test_shape_elements_of_scalar_empty_open_and_huge);
  g_test_add_func ("/shape/strides", test_shape_strides_are_row_major);
  g_test_add_func ("/shape/broadcast", test_shapes_broadcast_as_in_numpy);
  g_test_add_func ("/shape/axis", test_axes_count_from_either_end);
  g_test_add_func ("/shape/print", test_shapes_print_open_sizes_as_question_marks);
  g_test_add_func ("/type/names", test_type_names_go_both_ways);
  g_test_add_func ("/type/packed", test_four_bit_types_are_packed);
  g_test_add_func ("/type/limits", test_integer_limits);
  g_test_add_func ("/convert/half-bits", test_half_bits);
  g_test_add_func ("/convert/half-round-trip", test_every_half_survives_a_round_trip);
  g_test_add_func ("/convert/rounding", test_halves_round_to_nearest_even);
  g_test_add_func ("/convert/bfloat-nan", test_bfloat_nan_stays_nan);
  g_test_add_func ("/convert/saturate", test_floats_saturate_into_integers);
  g_test_add_func ("/convert/bool", test_bool_is_truth_not_truncation);
  g_test_add_func ("/convert/long", test_long_arrays_of_halves_convert_whole);
  g_test_add_func ("/tensor/strings", test_strings_do_not_become_numbers);
  g_test_add_func ("/tensor/reshape", test_reshaped_tensors_share_their_bytes);
  return g_test_run ();
}
