/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GELU written out: x / 2 (1 + erf (x / sqrt 2)), or its approximation x / 2 (1 + tanh (sqrt (2 / pi) (x + 0.044715
 * x^3))), in any order of the factors. Hendrycks and Gimpel, "Gaussian error linear units", 2016, section 2. The
 * operator exists from opset 20; before that the runtimes know the written form, which stays. */
#include "fuse/primitives.h"
#include <math.h>

/* x of erf (x / sqrt 2). */
static PareValue *
read_erf (const PareNode *erf)
{
  const PareNode *argument = pare_node_above (erf, 0, NULL);
  double number;
  PareValue *x = pare_number_operand (argument, "Div", &number);

  if (x && pare_number_is (number, G_SQRT2))
    return x;
  x = pare_number_operand (argument, "Mul", &number);
  return x && pare_number_is (number, 1 / G_SQRT2) ? x : NULL;
}

/* x of x + 0.044715 x^3. */
static PareValue *
read_cubic (const PareNode *add)
{
  for (guint i = 0; i < 2; i++)
    {
      PareValue *x = pare_node_input (add, i);
      PareProduct cube;
      if (pare_product_read (pare_node_input (add, !i), x, &cube) && cube.n == 3
          && pare_number_is (cube.number, 0.044715) && cube.leaves[0] == x && cube.leaves[1] == x
          && cube.leaves[2] == x)
        return x;
    }
  return NULL;
}

/* Whether @value is 1 + 0.044715 x^2. */
static gboolean
is_factor_of (const PareValue *value, const PareValue *x)
{
  double one;
  PareValue *inner = pare_number_operand (value->producer, "Add", &one);
  PareProduct square;

  return inner && one == 1 && pare_product_read (inner, x, &square) && square.n == 2
         && pare_number_is (square.number, 0.044715) && square.leaves[0] == x && square.leaves[1] == x;
}

/* x of tanh (sqrt (2 / pi) (x + 0.044715 x^3)), which is also written sqrt (2 / pi) x (1 + 0.044715 x^2). */
static PareValue *
read_tanh (const PareNode *tanh)
{
  double number;
  PareValue *argument = pare_node_input (tanh, 0);
  PareValue *sum = argument ? pare_number_operand (argument->producer, "Mul", &number) : NULL;
  PareProduct all;

  if (sum && pare_number_is (number, sqrt (2 / G_PI)) && sum->producer && pare_node_is (sum->producer, "Add"))
    return read_cubic (sum->producer);
  if (!argument || !pare_product_read (argument, NULL, &all))
    return NULL;
  for (guint i = 0; i < 2 && all.n == 2; i++)
    if (pare_number_is (all.number, sqrt (2 / G_PI)) && is_factor_of (all.leaves[i], all.leaves[!i]))
      return all.leaves[!i];
  return NULL;
}

/* x when @value is 1 + erf (..) or 1 + tanh (..). */
static PareValue *
read_gate (const PareValue *value, gboolean *approximate)
{
  double one;
  PareValue *inner = pare_number_operand (value->producer, "Add", &one);
  const PareNode *node = inner && pare_number_is (one, 1) ? inner->producer : NULL;

  *approximate = node && pare_node_is (node, "Tanh");
  if (*approximate)
    return read_tanh (node);
  return node && pare_node_is (node, "Erf") ? read_erf (node) : NULL;
}

static PareValue *
read_gelu (PareNode *last, gboolean *approximate)
{
  PareProduct all, product;
  PareValue *output = pare_node_output (last, 0);

  if (!pare_product_read (output, NULL, &all))
    return NULL;
  for (guint i = 0; i < all.n; i++)
    {
      PareValue *x = read_gate (all.leaves[i], approximate);
      /* Again, now that it is known which value not to take apart. */
      if (x && pare_product_read (output, x, &product) && product.n == 2 && pare_number_is (product.number, 0.5)
          && ((product.leaves[0] == x && product.leaves[1] == all.leaves[i])
              || (product.leaves[1] == x && product.leaves[0] == all.leaves[i])))
        return x;
    }
  return NULL;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const char *domain = pare_fuse_domain (fuse, 20);
  gboolean approximate;
  PareValue *x;

  if (!pare_node_is (node, "Mul") || !domain)
    return FALSE;
  x = read_gelu (node, &approximate);
  if (!x)
    return FALSE;
  node = pare_fuse_become (fuse, node, domain, "Gelu", 1, &x);
  if (approximate)
    pare_node_set_attribute (node, pare_attribute_new_string ("approximate", "tanh"));
  return TRUE;
}

PARE_FUSION (gelu) = {
  .name = "gelu",
  .description = "Recognises Gelu written out with Erf or Tanh, from opset 20 on.",
  .for_execution = TRUE,
  .apply = apply,
};
