#pragma once
/* Numbers as a person reads them at a glance: at most seven characters. Pure. */

enum { BRIEF_BYTES = 48 };

/** 0, 7, 9999, 12.3k, 1.2M, 3.4G */
void brief_count(double value, char text[static BRIEF_BYTES]);

/** 0, 0.4, 12, 9999, 12.3k: a rate keeps one place below 10. */
void brief_rate(double value, char text[static BRIEF_BYTES]);

/** 0B, 512B, 1.2K, 64M, 3.4G: powers of 1,024 */
void brief_bytes(double value, char text[static BRIEF_BYTES]);

/** 0s, 4ms, 0.4s, 35s, 4m10s, 3h05m, 2d4h */
void brief_seconds(double value, char text[static BRIEF_BYTES]);

/** Eight heights for the last n values, the highest of them the tallest; ASCII where the terminal has no UTF-8. */
enum { BRIEF_SPARK_MAX = 60 };
void brief_spark(const double *values, unsigned n, int is_utf8, char text[static 3 * BRIEF_SPARK_MAX + 1]);
