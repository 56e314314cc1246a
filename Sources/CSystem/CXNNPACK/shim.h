#pragma once
#include <xnnpack.h>

/* A macro with a cast in it, which Swift doesn't import. */
static const uint32_t virtue_xnn_no_value = XNN_INVALID_VALUE_ID;
