/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How networks are compared with the float one: hits, losses and distances of outputs, each a sum over samples. */
#include "tune/metric.h"
#include "data/accuracy.h"
#include "graph/named.h"
#include <math.h>

gboolean
pare_metric_is_classes (const PareTensor *output)
{
  const PareShape *shape = &output->shape;

  return pare_data_type_is_float (output->type) && shape->rank > 1 && shape->dims[1] > 1
         && pare_tensor_elements (output) == shape->dims[0] * shape->dims[1];
}

gint64
pare_metric_class (const float *scores, gint64 classes)
{
  gint64 best = 0;

  for (gint64 i = 1; i < classes; i++)
    if (scores[i] > scores[best])
      best = i;
  return best;
}

/* As float32; NULL when it is not of floats, or has no samples. */
static PareTensor *
numbers (PareTensor *output)
{
  if (!pare_data_type_is_float (output->type) || !output->shape.rank || output->shape.dims[0] < 1)
    return NULL;
  return pare_tensor_cast (output, PARE_FLOAT32);
}

void
pare_metric_add_moments (PareTensor *output, guint valid, double *sums)
{
  g_autoptr (PareTensor) tensor = numbers (output);
  gint64 n = tensor ? pare_tensor_elements (tensor) / tensor->shape.dims[0] * valid : 0;
  const float *y = n ? pare_tensor_data (tensor) : NULL;

  for (gint64 i = 0; i < n; i++)
    {
      sums[0] += y[i];
      sums[1] += (double)y[i] * y[i];
    }
  sums[2] += n;
}

/* Classifiers */

static gboolean
count_misses (const PareMetricBatch *batch, PareTensor *labels, double *cost, GError **error)
{
  PareAccuracy accuracy = { .n = batch->first };

  if (!pare_accuracy_add (&accuracy, batch->outputs->pdata[0], labels, batch->valid, error))
    return FALSE;
  *cost = (double)(batch->valid - accuracy.top1);
  return TRUE;
}

static gboolean
top1_cost (const PareMetricBatch *batch, double *cost, GError **error)
{
  return count_misses (batch, batch->labels, cost, error);
}

/* The float network's classes take the place of labels. */
static gboolean
agreement_cost (const PareMetricBatch *batch, double *cost, GError **error)
{
  g_autoptr (PareTensor) scores = pare_tensor_cast (batch->reference->pdata[0], PARE_FLOAT32), labels = NULL;
  gint64 n = scores->shape.dims[0], classes = scores->shape.dims[1];
  g_autofree gint64 *classified = g_new (gint64, n);

  for (gint64 i = 0; i < n; i++)
    classified[i] = pare_metric_class ((const float *)pare_tensor_data (scores) + i * classes, classes);
  labels = pare_tensor_new_int64s ((guint)n, classified);
  return count_misses (batch, labels, cost, error);
}

static gboolean
loss_cost (const PareMetricBatch *batch, double *cost, GError **error)
{
  PareAccuracy accuracy = { .n = batch->first };

  if (!pare_accuracy_add (&accuracy, batch->outputs->pdata[0], batch->labels, batch->valid, error))
    return FALSE;
  *cost = accuracy.loss;
  return TRUE;
}

/* log sum exp, with the highest taken out so that nothing overflows. */
static double
log_partition (const float *scores, gint64 n)
{
  double highest = scores[pare_metric_class (scores, n)], sum = 0;

  for (gint64 i = 0; i < n; i++)
    sum += exp (scores[i] - highest);
  return log (sum) + highest;
}

static double
divergence (const float *wanted, const float *found, gint64 n)
{
  double a = log_partition (wanted, n), b = log_partition (found, n), sum = 0;

  for (gint64 i = 0; i < n; i++)
    sum += exp (wanted[i] - a) * ((wanted[i] - a) - (found[i] - b));
  /* Not below 0 but by rounding. */
  return isnan (sum) ? INFINITY : MAX (sum, 0);
}

static gboolean
kl_cost (const PareMetricBatch *batch, double *cost, GError **error)
{
  g_autoptr (PareTensor) found = pare_tensor_cast (batch->outputs->pdata[0], PARE_FLOAT32);
  g_autoptr (PareTensor) wanted = pare_tensor_cast (batch->reference->pdata[0], PARE_FLOAT32);
  gint64 n = wanted->shape.dims[1];

  *cost = 0;
  for (guint i = 0; i < batch->valid; i++)
    *cost += divergence ((const float *)pare_tensor_data (wanted) + i * n,
                         (const float *)pare_tensor_data (found) + i * n, n);
  return TRUE;
}

/* Any network: all outputs that are of floats */

typedef struct
{
  double error, product, wanted, found;
} Products;

/* Adds up what sample @index of one output has in common with the reference. */
static void
add_products (PareTensor *found, PareTensor *wanted, guint index, Products *products)
{
  gint64 n = pare_tensor_elements (wanted) / wanted->shape.dims[0];
  const float *f = (const float *)pare_tensor_data (found) + index * n;
  const float *w = (const float *)pare_tensor_data (wanted) + index * n;

  for (gint64 i = 0; i < n; i++)
    {
      products->error += ((double)f[i] - w[i]) * ((double)f[i] - w[i]);
      products->product += (double)f[i] * w[i];
      products->wanted += (double)w[i] * w[i];
      products->found += (double)f[i] * f[i];
    }
}

/* One per valid sample. */
static Products *
products_of (const PareMetricBatch *batch)
{
  Products *products = g_new0 (Products, MAX (batch->valid, 1));

  for (guint o = 0; o < batch->reference->len; o++)
    {
      g_autoptr (PareTensor) found = numbers (batch->outputs->pdata[o]);
      g_autoptr (PareTensor) wanted = numbers (batch->reference->pdata[o]);
      for (guint i = 0; found && wanted && i < batch->valid; i++)
        add_products (found, wanted, i, &products[i]);
    }
  return products;
}

static gboolean
noise_cost (const PareMetricBatch *batch, double *cost, GError **error)
{
  g_autofree Products *products = products_of (batch);

  *cost = 0;
  for (guint i = 0; i < batch->valid; i++)
    *cost += products[i].error;
  return TRUE;
}

static gboolean
cosine_cost (const PareMetricBatch *batch, double *cost, GError **error)
{
  g_autofree Products *products = products_of (batch);

  *cost = 0;
  for (guint i = 0; i < batch->valid; i++)
    {
      double norms = sqrt (products[i].wanted * products[i].found);
      /* Two outputs of zeros are the same; zeros and something else have nothing in common. */
      double cosine = norms > 0 ? products[i].product / norms : products[i].error > 0 ? 0 : 1;
      *cost += isnan (norms) ? INFINITY : MAX (1 - cosine, 0);
    }
  return TRUE;
}

static const PareMetric top1 = { .name = "top1",
                                 .description = "Samples whose class has not the highest score",
                                 .needs_labels = TRUE,
                                 .needs_classes = TRUE,
                                 .by_margin = TRUE,
                                 .unit = PARE_METRIC_OF_SAMPLES,
                                 .cost = top1_cost };
static const PareMetric agreement = { .name = "agreement",
                                      .description = "Samples that get another class than from the float network",
                                      .needs_classes = TRUE,
                                      .by_margin = TRUE,
                                      .unit = PARE_METRIC_OF_SAMPLES,
                                      .cost = agreement_cost };
static const PareMetric loss = { .name = "loss",
                                 .description = "Cross-entropy, relative to that of the float network",
                                 .needs_labels = TRUE,
                                 .needs_classes = TRUE,
                                 .by_margin = TRUE,
                                 .unit = PARE_METRIC_OF_BASELINE,
                                 .cost = loss_cost };
static const PareMetric kl = { .name = "kl",
                               .description = "Divergence (Kullback-Leibler) of the classes' probabilities",
                               .needs_classes = TRUE,
                               .unit = PARE_METRIC_OF_SAMPLES,
                               .cost = kl_cost };
static const PareMetric sqnr = { .name = "sqnr",
                                 .description = "Squared error of the outputs, relative to their variance",
                                 .unit = PARE_METRIC_OF_ENERGY,
                                 .cost = noise_cost };
static const PareMetric cosine
    = { .name = "cosine",
        .description = "1 less the cosine between the outputs and those of the float network",
        .unit = PARE_METRIC_OF_SAMPLES,
        .cost = cosine_cost };

static const PareMetric *const metrics[] = { &top1, &agreement, &loss, &kl, &sqnr, &cosine, NULL };

const PareMetric *const *
pare_metrics (void)
{
  return metrics;
}

const PareMetric *
pare_metric_find (const char *name, GError **error)
{
  return pare_find_named ("metric", name, (const void *const *)metrics, error);
}
