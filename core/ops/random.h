/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Random numbers that are a function of a key and a position: the same on any number of threads. Private to the
 * operators. */
#pragma once
#include <glib.h>

/* The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the result depends on every bit of @x. */
static inline guint64
pare_mix (guint64 x)
{
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* Number @i of the stream @key, uniform in [0, 1). */
static inline double
pare_random_uniform (guint64 key, guint64 i)
{
  return (pare_mix (key + i * 0x9e3779b97f4a7c15u) >> 11) * 0x1p-53;
}
