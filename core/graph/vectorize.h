/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compiles a loop for several instruction sets and picks one at run time. Sanitizers cannot instrument the resolver. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define PARE_VECTORIZED __attribute__ ((target_clones ("arch=x86-64-v4", "avx2", "default")))
#else
#define PARE_VECTORIZED
#endif
