#pragma once
/* The entry of a libFuzzer target, declared once; a broken promise is an assert. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
