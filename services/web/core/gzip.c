#include "core/gzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>
#include <zlib.h>

int web_gzip(const void *bytes, size_t n, int level, struct tip_buf *out)
{
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n};
    size_t bound;
    int r;

    if (n > UINT32_MAX || deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOBUFS;
    bound = deflateBound(&stream, (uLong)n);
    r = tip_buf_reserve(out, bound);
    if (!r) {
        stream.next_out = out->data + out->len;
        stream.avail_out = (uInt)bound;
        if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
            abort(); /* the bound is zlib's own */
        out->len += bound - stream.avail_out;
        out->data[out->len] = '\0';
    }
    deflateEnd(&stream);
    return r;
}

void web_etag(const void *bytes, size_t n, char etag[static WEB_ETAG_TEXT])
{
    uint8_t hash[16];

    crypto_generichash(hash, sizeof(hash), bytes, n, NULL, 0);
    etag[0] = '"';
    for (size_t i = 0; i < sizeof(hash); i++)
        (void)snprintf(etag + 1 + 2 * i, 3, "%02x", hash[i]);
    etag[33] = '"';
    etag[34] = '\0';
}
