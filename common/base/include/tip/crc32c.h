#pragma once
/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): "123456789" gives 0xe3069283.
 */
#include <stddef.h>
#include <stdint.h>

/**
 * The checksum of what came before (0 for nothing, or any salt) followed by n bytes. Calls may be chained:
 * crc(crc(seed, a), b) is crc(seed, ab).
 */
uint32_t tip_crc32c(uint32_t seed, const void *bytes, size_t n);

/** The same without the CPU's instruction: what other machines run, and what tests compare with. */
uint32_t tip_crc32c_portable(uint32_t seed, const void *bytes, size_t n);
