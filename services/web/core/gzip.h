#pragma once
/* Compressing a response. */
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

enum { WEB_GZIP_MIN = 1024 }; /* below that it is not worth it */

/** Appends. @param level  1 to 9 @return 0 or -ENOBUFS */
tip_nodiscard int web_gzip(const void *bytes, size_t n, int level, struct tip_buf *out);

enum { WEB_ETAG_TEXT = 36 };

/** A strong entity tag of a body, with its quotes. */
void web_etag(const void *bytes, size_t n, char etag[static WEB_ETAG_TEXT]);
