/* SPDX-License-Identifier: LGPL-2.1-or-later
 * HardSwish written out: x clip (x + 3, 0, 6) / 6, or x HardSigmoid (x) with slope 1/6. Howard et al., "Searching for
 * MobileNetV3", 2019, section 5.2. The operator exists from opset 14. */
#include "fuse/hardsigmoid.h"
#include "fuse/primitives.h"

/* x when @value gates it; @factor is what the product must have beside. */
static PareValue *
read_gate (const PareValue *value, double *factor)
{
  const PareNode *node = value->producer;

  *factor = 1;
  if (node && pare_node_is (node, "HardSigmoid") && pare_number_is (pare_node_get_float (node, "alpha", 0.2f), 1.0 / 6)
      && pare_node_get_float (node, "beta", 0.5f) == 0.5f)
    return pare_node_input (node, 0);
  *factor = 1.0 / 6;
  return pare_hardsigmoid_clipped (value);
}

static PareValue *
read_hardswish (PareNode *last)
{
  PareProduct all, product;
  PareValue *output = pare_node_output (last, 0);

  if (!output || !pare_product_read (output, NULL, &all))
    return NULL;
  for (guint i = 0; i < all.n; i++)
    {
      double factor;
      PareValue *x = read_gate (all.leaves[i], &factor);
      if (x && pare_product_read (output, x, &product) && product.n == 2 && pare_number_is (product.number, factor)
          && ((product.leaves[0] == x && product.leaves[1] == all.leaves[i])
              || (product.leaves[1] == x && product.leaves[0] == all.leaves[i])))
        return x;
    }
  return NULL;
}

static gboolean
apply (PareFuse *fuse, PareNode *node)
{
  const char *domain = pare_fuse_domain (fuse, 14);
  PareValue *x;

  if (!(pare_node_is (node, "Mul") || pare_node_is (node, "Div")) || !domain)
    return FALSE;
  x = read_hardswish (node);
  if (!x)
    return FALSE;
  pare_fuse_become (fuse, node, domain, "HardSwish", 1, &x);
  return TRUE;
}

PARE_FUSION (hardswish) = {
  .name = "hardswish",
  .description = "Recognises HardSwish written out with Clip or HardSigmoid, from opset 14 on.",
  .for_execution = TRUE,
  .apply = apply,
};
