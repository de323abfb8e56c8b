/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cuts a graph of links into chains: follow the first unused link without a named pad, refer by name where that ends.
 * Doing it again with what was printed gives the same chains, which keeps conversions stable. */
#include "gst/pipeline-chains.h"

typedef struct
{
  const PipelineDescription *description;
  GHashTable *placed; /* elements */
  GHashTable *used;   /* links */
  GPtrArray *chains;
} Cutter;

static void
append (GArray *chain, PipelineStop stop)
{
  g_array_append_val (chain, stop);
}

static const PipelineLink *
next_link (const Cutter *cutter, const PipelineElement *from)
{
  for (guint i = 0; i < cutter->description->links->len; i++)
    {
      const PipelineLink *link = cutter->description->links->pdata[i];
      if (link->from.inner_element == from && !link->from.inner_pad && !g_hash_table_contains (cutter->used, link))
        return link;
    }
  return NULL;
}

static void follow (Cutter *cutter, GArray *chain, const PipelineElement *element);

static void
cross (Cutter *cutter, GArray *chain, const PipelineLink *link)
{
  const PipelineElement *to = link->to.inner_element;

  g_hash_table_add (cutter->used, (gpointer)link);
  if (link->caps)
    append (chain, (PipelineStop){ .caps = link->caps });
  if (link->to.inner_pad || g_hash_table_contains (cutter->placed, to))
    append (chain, (PipelineStop){ .reference = to, .pad = link->to.inner_pad });
  else
    follow (cutter, chain, to);
}

static void
follow (Cutter *cutter, GArray *chain, const PipelineElement *element)
{
  append (chain, (PipelineStop){ .element = element });
  g_hash_table_add (cutter->placed, (gpointer)element);
  const PipelineLink *link = next_link (cutter, element);
  if (link)
    cross (cutter, chain, link);
}

static GArray *
begin (Cutter *cutter)
{
  GArray *chain = g_array_new (FALSE, TRUE, sizeof (PipelineStop));

  g_ptr_array_add (cutter->chains, chain);
  return chain;
}

/* The links that leave what is placed but did not fit in its chain. */
static void
cut_branches (Cutter *cutter)
{
  for (guint i = 0; i < cutter->description->links->len; i++)
    {
      const PipelineLink *link = cutter->description->links->pdata[i];
      if (g_hash_table_contains (cutter->used, link)
          || !g_hash_table_contains (cutter->placed, link->from.inner_element))
        continue;
      GArray *chain = begin (cutter);
      append (chain, (PipelineStop){ .reference = link->from.inner_element, .pad = link->from.inner_pad });
      cross (cutter, chain, link);
      i = -1; /* what was placed just now may have branches that were written earlier */
    }
}

GPtrArray *
gst_pare_chains_new (const PipelineDescription *description)
{
  g_autoptr (GHashTable) placed = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) used = g_hash_table_new (NULL, NULL);
  Cutter cutter = { description, placed, used, g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref) };

  for (guint i = 0; i < description->elements->len; i++)
    {
      const PipelineElement *element = description->elements->pdata[i];
      if (!element->factory || g_hash_table_contains (placed, element))
        continue;
      follow (&cutter, begin (&cutter), element);
      cut_branches (&cutter);
    }
  return cutter.chains;
}

gboolean
gst_pare_chains_refer_to (const GPtrArray *chains, const PipelineElement *element)
{
  for (guint c = 0; c < chains->len; c++)
    {
      const GArray *chain = chains->pdata[c];
      for (guint s = 0; s < chain->len; s++)
        if (g_array_index (chain, PipelineStop, s).reference == element)
          return TRUE;
    }
  return FALSE;
}
