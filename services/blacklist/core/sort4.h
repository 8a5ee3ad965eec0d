#pragma once
/*
 * IPv4 hosts by address, sorted where they lie, with room for so many beside them.
 *
 * What is short enough for that is sorted from the lowest byte up, back and forth between the two arrays. What is
 * longer is first split by its highest byte, item by item swapped to where it belongs (McIlroy, Bostic and McIlroy,
 * "Engineering Radix Sort", 1993: "American flag sort"), and so on with the pieces: a tenth slower, in half the memory.
 */
#include <stddef.h>

#include <tip/cleanup.h>

#include "core/set.h"

/**
 * Equal addresses come out in any order.
 *
 * @param room  hosts that there may be memory for besides
 * @return 0 or -ENOMEM
 */
tip_nodiscard int bl_sort4(struct bl_ip4 *items, size_t n, size_t room);
