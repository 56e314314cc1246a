#pragma once
#include <stdint.h>

/* Heap allocations of the calling thread since it began. */
uint64_t virtue_allocation_count(void);
